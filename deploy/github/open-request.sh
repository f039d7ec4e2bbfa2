#!/bin/sh
# Opens a pull request for $BRANCH, or renews the text of the one that is open: open-request.sh TITLE FILE
set -eu
if gh pr view "$BRANCH" --json state --jq .state 2>/dev/null | grep -q OPEN; then
    gh pr edit "$BRANCH" --title "$1" --body-file "$2"
else
    gh pr create --base "$BASE" --head "$BRANCH" --title "$1" --body-file "$2"
fi
