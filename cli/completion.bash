# Completes commands and options of threadleak in bash.  The words come from the program's own tables.
_threadleak()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=--help kind of name letter argument rest
    ((COMP_CWORD > 1)) && [[ $word != -* && $command != help ]] && return
    [[ $command == help ]] && ((COMP_CWORD > 1)) && words+=" findings suppressions"
    while IFS=$'\t' read -r kind of name letter argument rest; do
        if ((COMP_CWORD == 1)) || [[ $command == help ]]; then
            [[ $kind == command || ($kind == finding && $command == help) ]] && words+=" $of"
        elif [[ $kind == option && $of == "$command" ]]; then
            [[ $argument == - || $argument == \[* ]] && words+=" $name" || words+=" $name="
        fi
    done < <("${COMP_WORDS[0]}" _options 2>/dev/null)
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *= ]] && compopt -o nospace 2>/dev/null
}
complete -o bashdefault -o default -F _threadleak threadleak
