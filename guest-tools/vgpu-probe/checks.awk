# SPDX-License-Identifier: GPL-2.0-or-later
#
# Convert the lines of "vgpu-probe --list-checks" to a list for the manual page.

# a backslash, or a dot or quote at the start, would be roff's
function text(s) {
	gsub(/\\/, "\\e", s)
	sub(/^[.']/, "\\\\\\&&", s)
	gsub(/"/, "\\(dq", s)
	return s
}

BEGIN { print ".Bl -tag -width Ds" }
{
	printf ".It Cm %s Pq %s%s\n", $1, $3, $2 == "warning" ? ", a warning" : ""
	printf "%s:\nexpected %s.\n", text($4), text($5)
	# checks of one register share it
	if ($6 != last)
		printf "If not: %s.\n", text($6)
	last = $6
}
END { print ".El" }
