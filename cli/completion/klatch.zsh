#compdef klatch
# Completion of klatch for zsh. Save it as _klatch in a directory of $fpath, or load it with: source <(klatch completion zsh)
_klatch() {
	local -a found
	local word help
	while IFS=$'\t' read -r word help; do
		found+=("${word//:/\\:}${help:+:$help}")
	done < <("${words[1]/#\~/$HOME}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( $#found )); then
		_describe klatch found
	else
		_files
	fi
}
if [[ "${funcstack[1]}" == _klatch ]]; then
	_klatch "$@"
else
	compdef _klatch klatch
fi
