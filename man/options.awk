# Writes the options into the source of the man page:  awk -f man/options.awk ROWS PAGE.scd
#
# ROWS is what `threadleak _options` prints: the tables of options, one row a line.  In the man page
#
#	@options COMMAND
#	@option NAME
#		more about this option than its row says
#	@end
#
# becomes the list of the command's options, in the order of the table; @summary COMMAND the line of the section NAME;
# @commands the list of commands, and @pages their pages; @keys the table of THREADLEAK_OPTIONS; @findings the list of
# findings; @SHIMDIR@, anywhere in a line, where the shim is installed.  A text about an option that has no row is an error.

function fail(text) {
	print "man/options.awk: " text > "/dev/stderr"
	failed = 1
	exit 1
}

# Letters that scdoc would take for markup.
function plain(text) {
	gsub(/[\\_*]/, "\\\\&", text)
	return text
}

# COMMAND and the name of the argument, which may be in brackets, become _command_ and _file_.
function sentence(text, argument) {
	gsub(/[][]/, "", argument)
	text = toupper(substr(text, 1, 1)) plain(substr(text, 2)) "."
	gsub(/COMMAND/, "_command_", text)
	if (text ~ /FILE/)
		gsub(/FILE/, "_file_", text)
	else if (argument != "-")
		gsub(argument, "_" tolower(argument) "_", text)
	return text
}

function argument(text) {
	if (text == "-")
		return ""
	if (text ~ /^\[/)
		return "[=_" tolower(substr(text, 2, length(text) - 2)) "_]"
	if (text ~ /\[/)
		return "=_" tolower(substr(text, 1, index(text, "[") - 1)) "_[:_file_]"
	return "=_" tolower(text) "_"
}

function put_options(  i, row) {
	for (i = 1; i <= count[command]; i++) {
		split(rows[command, i], row, "\t")
		printf "%s*%s*%s\n", row[4] == "-" ? "" : "*-" row[4] "*, ", row[3], argument(row[5])
		printf "\t%s", sentence(row[8], row[5])
		if (row[7] != "-")
			printf " Default: %s.", plain(row[7])
		if (row[6] != "-" && command == "run")
			printf " Key: *%s*.", plain(row[6])
		printf "\n%s\n", more[substr(row[3], 3)]
		delete more[substr(row[3], 3)]
	}
	for (i in more)
		fail("'" command "' has no option --" i)
}

function put_keys(  i, row) {
	for (i = 1; i <= keys; i++) {
		split(key[i], row, "\t")
		printf "|  %s\n:  %s\n:  %s\n", plain(row[2]), row[3] == "-" ? "none" : plain(row[3]), plain(row[4])
	}
}

function put_findings(  i, row) {
	for (i = 1; i <= findings; i++) {
		split(finding[i], row, "\t")
		printf "*%s*\n\t%s\n\n\t%s", row[2], plain(row[3]), plain(row[4])
		if (row[6] != "-")
			printf " A proof assumes: %s%s", tolower(substr(row[6], 1, 1)), plain(substr(row[6], 2))
		printf "\n\n\tWhat to do: %s\n\n", plain(row[5])
	}
}

function put_summary(command) {
	if (!(command in summary))
		fail("no command is called '" command "'")
	print "threadleak-" command " - " plain(summary[command])
}

function put_commands(  i) {
	for (i = 1; i <= commands; i++)
		printf "*threadleak-%s*(1)\n\t%s.\n\n", name[i], plain(toupper(substr(summary[name[i]], 1, 1)) substr(summary[name[i]], 2))
}

function put_pages(  i) {
	for (i = 1; i <= commands; i++)
		print "*threadleak-" name[i] "*(1),"
}

BEGIN { FS = "\t" }
NR == FNR && $1 == "option" { rows[$2, ++count[$2]] = $0 }
NR == FNR && $1 == "command" && $2 != "help" { name[++commands] = $2; summary[$2] = $3 }
NR == FNR && $1 == "key" { key[++keys] = $0 }
NR == FNR && $1 == "finding" { finding[++findings] = $0 }
NR == FNR { next }

/^@options / {
	command = substr($0, 10)
	about = ""
	if (!count[command])
		fail("no command is called '" command "'")
	next
}
/^@option / { about = substr($0, 9); more[about] = ""; next }
/^@end/ { put_options(); command = ""; next }
/^@keys/ { put_keys(); next }
/^@summary / { put_summary(substr($0, 10)); next }
/^@commands/ { put_commands(); next }
/^@pages/ { put_pages(); next }
/^@findings/ { put_findings(); next }
command != "" && about != "" && $0 != "" { more[about] = more[about] $0 "\n"; next }
command == "" {
	gsub(/@SHIMDIR@/, shimdir)
	print
}
