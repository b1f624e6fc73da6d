# bash completion for backplane(1). All that is known of it is the program's own: `backplane complete`
# says what could stand in place of a word. bash-completion is not needed.

# Sets COMPREPLY to files: $1 a kind of `backplane complete`, $2 what is typed of the name.
_backplane_files() {
    local name kind=$1
    compopt -o filenames 2>/dev/null
    while IFS= read -r name; do
        if [[ -d ${name/#\~\//$HOME/} || $kind == file || ($kind == .* && $name == *"$kind") ]]; then
            COMPREPLY+=("$name")
        fi
    done < <(compgen -f -- "$2")
}

# Sets words to those up to the cursor, as the program will see them: bash cuts at = and : too.
_backplane_words() {
    local rest=${COMP_LINE:0:COMP_POINT} blanks word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blanks=${rest%%[![:blank:]]*}
        rest=${rest:${#blanks}}
        word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$rest
        rest=${rest:${#word}}
        word=${word//[\\\"\']/}
        ((i == COMP_CWORD)) || word=${word/#\~\//$HOME/}
        if [[ -z $blanks && $i -gt 0 ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
}

_backplane() {
    local words line kind current cut
    COMPREPLY=()
    _backplane_words
    current=${words[${#words[@]} - 1]}
    # What bash has in its hands: all after the last character that it cuts at.
    cut=
    [[ $COMP_WORDBREAKS == *=* && $current == *=* ]] && cut=${current%"${current##*=}"}
    [[ $COMP_WORDBREAKS == *:* && ${current#"$cut"} == *:* ]] && cut=${current%"${current##*:}"}
    while IFS= read -r line; do
        case $line in
        :*)
            kind=${line%% *}
            _backplane_files "${kind#:}" "${current#"${line#* }"}"
            ;;
        *)
            line=${line%%$'\t'*}
            [[ $line != *= ]] || compopt -o nospace 2>/dev/null
            COMPREPLY+=("${line#"$cut"}")
            ;;
        esac
    done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
}

complete -F _backplane backplane
