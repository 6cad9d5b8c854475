# Completion of klatch for fish. Load it with: klatch completion fish | source
function __klatch_complete
	set -l words (commandline -opc)
	set -l last (commandline -ct)
	set -l found (command $words[1] complete $words[2..-1] "$last" 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path "$last"
	end
end
complete -c klatch -f -a '(__klatch_complete)'
