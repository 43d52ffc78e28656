#compdef threadleak
# Completes commands, options and their values in zsh.  The words come from the program's own tables.
_threadleak()
{
    local -a commands findings options values row taking
    local line help
    options=('--help:explain the command')
    findings=('findings:all findings' 'suppressions:the types of rules')
    for line in ${(f)"$(${words[1]} _options 2>/dev/null)"}; do
        row=("${(@s:	:)line}")
        case $row[1] in
        command) commands+=("$row[2]:$row[3]") ;;
        value) [[ $row[2] == "$words[2]" && $row[3] == "${words[CURRENT]%%=*}" ]] && values+=("$row[4]") ;;
        finding) findings+=("$row[2]:$row[3]") ;;
        option)
            help=${row[8]//:/\\:}
            [[ $row[2] == "$words[2]" ]] || continue
            if [[ $row[5] == - || $row[5] == \[* ]]; then
                options+=("$row[3]:$help")
            else
                options+=("$row[3]=:$help")
                taking+=("$row[3]" "-$row[4]")
            fi
            ;;
        esac
    done
    # The word at which COMMAND of `threadleak run` begins; 0: it has not begun.
    local -i begin=0 at=3
    if [[ $words[2] == run ]]; then
        while ((at < CURRENT)) && [[ $words[at] == -* && $words[at] != -- ]]; do
            ((at += ${taking[(Ie)$words[at]]} ? 2 : 1))
        done
        [[ $words[at] == -- ]] && ((at < CURRENT)) && begin=at+1
        [[ $words[at] != -* ]] && ((at <= CURRENT)) && begin=at
    fi
    if ((begin)); then
        words=("${(@)words[begin,-1]}")
        ((CURRENT -= begin - 1))
        _normal
    elif ((CURRENT == 2)); then
        _describe command commands
    elif [[ $words[2] == help ]]; then
        _describe command commands && _describe finding findings
    elif [[ $words[CURRENT] == --*=* ]]; then
        compset -P '*='
        if ((#values)); then
            compset -P '*,'
            _describe value values
        else
            _files
        fi
    elif [[ $words[CURRENT] == -* ]]; then
        _describe -o option options -S ''
    else
        _files
    fi
}
[[ ${funcstack[1]} == _threadleak ]] && _threadleak "$@" || compdef _threadleak threadleak
