cd "$spool" 2>/dev/null || { echo "kind absent"; exit; }
spool=$(pwd -P)
report
