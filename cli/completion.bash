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

# Sets begin: the word at which run's COMMAND begins; empty: it has not begun. Bash has "--format=j" as one or three words.
_threadleak_command()
{
    local at=2 taking=" " kind of name letter argument rest
    while IFS=$'\t' read -r kind of name letter argument rest; do
        [[ $kind/$of == option/run && $argument != - && $argument != \[* ]] && taking+="$name -$letter "
    done < <("${COMP_WORDS[0]}" _options 2>/dev/null)
    while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at]} == -* ]]; do
        if [[ ${COMP_WORDS[at]} == -- ]]; then
            begin=$((at + 1))
            return
        elif [[ ${COMP_WORDS[at + 1]} == = ]]; then
            ((at += 3))
        elif [[ $taking == *" ${COMP_WORDS[at]} "* ]]; then
            ((at += 2))
        else
            ((at++))
        fi
    done
    [[ ${COMP_WORDS[at]} == -* || ${COMP_WORDS[at]} == = ]] || ((at > COMP_CWORD)) || begin=$at
}

# What follows is the command's own: bash-completion knows it, or the shell completes files.
_threadleak_delegate()
{
    local offset
    for offset in _comp_command_offset _command_offset; do
        declare -F $offset >/dev/null && $offset "$1" && return
    done
    ((COMP_CWORD == $1)) && COMPREPLY=($(compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
}

_threadleak()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=--help values= option= value= prefix= begin=
    local kind of name letter argument rest
    [[ $command == run ]] && ((COMP_CWORD > 1)) && _threadleak_command
    if [[ $begin ]]; then
        _threadleak_delegate "$begin"
        return
    fi
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
