#!/bin/sh
# Refreshes, and proposes what changed as a branch for people to look at.
#
#   deploy/propose.sh POLICY...
#
# Runs in a clone of the repository that holds the policies. Copies the published files to $RULES_DIR, commits them to
# $BRANCH and pushes it; then $OPEN_REQUEST is called with a title and a file with the text. Does nothing where no rule
# changed. Exits as `tagwall refresh` does: 1 no network, 2 wrong policy, 5 new data refused, and so on.
set -eu

RULES_DIR=${RULES_DIR:-rules}
STATE_DIR=${STATE_DIR:-.tagwall}
BRANCH=${BRANCH:-tagwall/refresh}
BASE=${BASE:-$(git rev-parse --abbrev-ref HEAD)}
REMOTE=${REMOTE:-origin}
TAGWALL=${TAGWALL:-tagwall}
OPEN_REQUEST=${OPEN_REQUEST:-}

code=0
"$TAGWALL" refresh "$@" --out "$STATE_DIR/out" --keep 1 --format text --detailed-exitcode || code=$?
case $code in
    0 | 6) ;;
    *) exit "$code" ;;
esac

# Copies, since links mean nothing to whoever reviews or deploys from the repository.
rm -rf "$RULES_DIR"
mkdir -p "$RULES_DIR"
cp -RL "$STATE_DIR"/out/current/. "$RULES_DIR"/
rm -rf "$RULES_DIR/.state" "$RULES_DIR/record.json" "$RULES_DIR/record.json.minisig"

git add --all "$RULES_DIR"
# What only says from which data unchanged rules were made is no reason to bother anybody.
if git diff --cached --quiet -- "$RULES_DIR" ':(exclude)*/manifest.json' ':(exclude)*/report.*' \
    ':(exclude)*changes.md' ':(exclude)*changes.json' ':(exclude)*/policy.toml' ':(exclude)*/catalog-*.toml'; then
    git reset --quiet -- "$RULES_DIR"
    git checkout --quiet -- "$RULES_DIR" 2>/dev/null || rm -rf "$RULES_DIR"
    echo "no rule changed: nothing to propose"
    exit 0
fi

title=$(git diff --cached --shortstat -- "$RULES_DIR" | sed 's/^ *//')
text=$(mktemp)
cp "$RULES_DIR/changes.md" "$text"
git checkout --quiet -B "$BRANCH"
git commit --quiet --message "Firewall rules after new service tags" --message "$title"
git push --quiet --force "$REMOTE" "$BRANCH"
if [ -n "$OPEN_REQUEST" ]; then
    BRANCH=$BRANCH BASE=$BASE $OPEN_REQUEST "Firewall rules after new service tags ($title)" "$text"
fi
git checkout --quiet "$BASE"
rm -f "$text"
