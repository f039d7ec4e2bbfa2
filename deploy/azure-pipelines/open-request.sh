#!/bin/sh
# Opens a pull request for $BRANCH, or renews the text of the one that is open: open-request.sh TITLE FILE
set -eu
# The service takes at most 4000 characters.
text=$(head -c 3900 "$2")
open=$(az repos pr list --source-branch "$BRANCH" --status active --query '[0].pullRequestId' --output tsv)
if [ -n "$open" ]; then
    az repos pr update --id "$open" --title "$1" --description "$text" --output none
else
    az repos pr create --source-branch "$BRANCH" --target-branch "$BASE" --title "$1" --description "$text" --output none
fi
