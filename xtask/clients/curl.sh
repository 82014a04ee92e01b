#!/usr/bin/env bash
# curl against a gateway, in each dialect: what can be seen without a client's help.
#
#     bash curl.sh BASE_URL KEY MODELS
#
# MODELS is JSON: for each upstream the name of a plain model, and more. A line of JSON tells of each
# check: client, upstream, check, and what went wrong, if anything did.
set -u
base=$1 key=$2
plain='Reply with exactly one word: pong'

# chat TEXT [FIELDS]: a body of the chat API.
chat() {
    printf '{"model":"%s","messages":[{"role":"user","content":"%s"}]%s}' "$model" "$1" "${2:-}"
}

# ask BODY [OPTIONS]: the answer, and its status as the last line.
ask() {
    local body=$1
    shift
    curl --silent --no-buffer --max-time 20 --write-out '\n%{http_code}' "$base/v1/chat/completions" \
        --header "authorization: Bearer $key" --header 'content-type: application/json' --data "$body" "$@"
}

# holds TEXT WORDS...: what of the words isn't in the text.
holds() {
    local text=$1 word
    shift
    for word in "$@"; do
        case $text in
            *"$word"*) ;;
            *) printf '%s is not in %s' "$word" "$text" && return ;;
        esac
    done
}

# told CHECK PROBLEM: the line of a check.
told() {
    local problem=null
    if [ -n "$2" ]; then
        problem=${2//\\/\\\\}
        problem=${problem//\"/\\\"}
        problem=\"$(printf %s "${problem:0:600}" | tr '\n\t\r' '   ')\"
    fi
    printf '{"client":"curl","upstream":"%s","check":"%s","problem":%s}\n' "$upstream" "$1" "$problem"
}

# cut: whether a stream that broke off says so.
cut() {
    local answer
    answer=$(ask "$(chat 'please break off' ',"stream":true')")
    case $answer in
        *'"error"'*) ;;
        *'[DONE]'*) printf 'the cut answer passed for whole: %s' "$answer" ;;
    esac
}

# abort: leaves an answer that has begun.
abort() {
    ask "$(chat 'Count from one to one hundred' ',"stream":true')" | head -c 40 >/dev/null
    holds "$(ask "$(chat "$plain")")" pong 200
}

suite() {
    local tools='{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}'
    local both='What is the weather in Oslo and in Rome? Use the tool for both.'
    told plain "$(holds "$(ask "$(chat "$plain")")" '"content":"pong"' '"finish_reason":"stop"' 200)"
    told streaming "$(holds "$(ask "$(chat "$plain" ',"stream":true')")" data: '"finish_reason":"stop"' '[DONE]' 200)"
    told 'parallel tools' "$(holds "$(ask "$(chat "$both" ",\"tools\":[$tools]")")" Oslo Rome '"finish_reason":"tool_calls"')"
    told 'wrong key' "$(holds "$(key=sk-wrong ask "$(chat "$plain")")" '"error"' 401)"
    told 429 "$(holds "$(ask "$(chat 'too many requests, please')")" '"error"' 429)"
    told 500 "$(holds "$(ask "$(chat 'please fall over')")" '"error"' 500)"
    told 'cut stream' "$(cut)"
    told 'abort, then next' "$(abort)"
    told models "$(holds "$(curl --silent --max-time 20 --header "authorization: Bearer $key" "$base/v1/models")" "\"$model\"")"
    local host=${model%%/*}
    model=$host/no-such-model-0
    told 'unknown model' "$(holds "$(ask "$(chat "$plain")")" '"error"' 404)"
}

# Each upstream's name and its first model.
while IFS=$'\t' read -r upstream model; do
    suite
done <<<"$(printf %s "$3" | sed 's/],/],\n/g' | sed -nE 's/^\{?"([^"]*)":\["([^"]*)".*/\1\t\2/p')"
