# Completes commands, options and their values in bash.  The words come from the program's own tables.

# Bash splits "--format=j" at the "=", because that is in COMP_WORDBREAKS.  Sets option, value and prefix.
_threadleak_value()
{
    local at=$((COMP_CWORD - 1))
    value=${COMP_WORDS[COMP_CWORD]}
    if [[ $value == --*=* ]]; then
        option=${value%%=*} prefix=${value%%=*}=
        value=${value#*=}
    else
        [[ $value == = ]] && value=
        [[ ${COMP_WORDS[COMP_CWORD]} != = && ${COMP_WORDS[at]} == = ]] && ((at--))
        option=${COMP_WORDS[at]}
    fi
    [[ $value == *,* ]] && prefix+=${value%,*}, value=${value##*,}
}

_threadleak()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=--help values= option= value= prefix=
    local kind of name letter argument rest
    _threadleak_value
    [[ $command == help ]] && ((COMP_CWORD > 1)) && words+=" findings suppressions"
    while IFS=$'\t' read -r kind of name letter argument rest; do
        if ((COMP_CWORD == 1)) || [[ $command == help ]]; then
            [[ $kind == command || ($kind == finding && $command == help) ]] && words+=" $of"
        elif [[ $kind == value && $of == "$command" && $name == "$option" ]]; then
            values+=" $letter"
        elif [[ $kind == option && $of == "$command" ]]; then
            [[ $argument == - || $argument == \[* ]] && words+=" $name" || words+=" $name="
        fi
    done < <("${COMP_WORDS[0]}" _options 2>/dev/null)
    if [[ $values ]]; then
        COMPREPLY=($(compgen -P "$prefix" -W "$values" -- "$value"))
        return
    fi
    ((COMP_CWORD > 1)) && [[ $word != -* && $command != help ]] && return
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *= ]] && compopt -o nospace 2>/dev/null
}
complete -o bashdefault -o default -F _threadleak threadleak
