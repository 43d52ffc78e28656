# Puts reports into threadleak-patterns.7.scd: a line "@report NAME" becomes tests/golden/pattern_NAME.txt.
#   awk -v golden=tests/golden -f man/reports.awk man/threadleak-patterns.7.scd

function put_report(name,  path, line, lines) {
	path = golden "/pattern_" name ".txt"
	print "*threadleak* prints:\n\n```"
	while ((getline line < path) > 0) {
		print line
		lines++
	}
	if (!lines) {
		print "reports.awk: " path " is missing or empty" > "/dev/stderr"
		exit 1
	}
	print "```"
}

/^@report / { put_report($2); next }
{ print }
