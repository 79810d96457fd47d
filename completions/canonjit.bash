# bash completion for canonjit: source this file, or install it as /usr/share/bash-completion/completions/canonjit.

_canonjit() {
    local cur prev verb options files='!*.wasm' more= words=
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    verb=${COMP_WORDS[1]}
    COMPREPLY=()

    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'run bench inspect validate wast cache limits --help --version' -- "$cur")
        return
    fi
    case $prev in
    --tier)
        mapfile -t COMPREPLY < <(compgen -W 'auto interp jit' -- "$cur")
        return
        ;;
    --profile)
        mapfile -t COMPREPLY < <(compgen -W 'perfmap jitdump gdb' -- "$cur")
        return
        ;;
    --unknown-imports)
        mapfile -t COMPREPLY < <(compgen -W 'error trap default echo' -- "$cur")
        return
        ;;
    --limit)
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -S = -W "$("${COMP_WORDS[0]}" limits 2>/dev/null | cut -d ' ' -f 1)" -- "$cur")
        return
        ;;
    --host)
        mapfile -t COMPREPLY < <(compgen -W 'wasmtime' -- "$cur")
        return
        ;;
    --keep | --cache)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --splitter | --svg)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --invoke | --timeout | --rounds | --time | --plan | --llvm | --asm)
        return
        ;;
    esac
    case $verb in
    run) options='--invoke --tier --cache --no-cache --stats --timeout --interruptible --unknown-imports --profile --given --limit --help' ;;
    bench) options='--invoke --tier --rounds --time --unknown-imports --profile --json --svg --ascii --given --limit --help' ;;
    inspect) options='--wit --json --plan --llvm --asm --given --limit --help' ;;
    validate) options='--given --limit --help' ;;
    wast) options='--tier --host --json --verbose --keep --splitter --limit --help' files='!*.wast' more='!*.json' ;;
    cache) options='--cache --help' words='show clear' ;;
    limits) options='--help' words=' ' ;;
    help) options='run bench inspect validate wast cache limits' ;;
    *) return ;;
    esac
    if [ "$verb" = help ] || [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [ "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -X "$files" -- "$cur"; [ ! "$more" ] || compgen -f -X "$more" -- "$cur"; compgen -d -- "$cur")
    fi
}
complete -F _canonjit canonjit
