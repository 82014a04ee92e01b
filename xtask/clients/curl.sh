#!/usr/bin/env bash
# curl against a gateway, in each dialect: what can be seen without a client's help.
#
#     bash curl.sh BASE_URL KEY UPSTREAMS
#
# UPSTREAMS is a line for each: its name, a tab, and the name of a plain model. A line of JSON tells of
# each check: client, upstream, check, and what went wrong, if anything did.
set -u
base=$1 key=$2
plain='Reply with exactly one word: pong'
weather='{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'

# put BODY PATH: the answer, and its status as the last line. All keys of all dialects are the same.
put() {
    local header
    case $dialect in
        Anthropic) header='x-api-key: ' ;;
        Gemini) header='x-goog-api-key: ' ;;
        *) header='authorization: Bearer ' ;;
    esac
    curl --silent --no-buffer --max-time 20 --write-out '\n%{http_code}' --header "$header$key" \
        --header 'content-type: application/json' --data "$1" "$base$2"
}

# ask TEXT [STREAM [TOOLS]]: asks in the dialect, for a stream if told `true`, with a tool if told so.
ask() {
    local text=$1 stream=${2:-false} tools='' verb=generateContent
    local head="\"model\":\"$model\",\"stream\":$stream"
    local said="\"messages\":[{\"role\":\"user\",\"content\":\"$text\"}]"
    local declared='"name":"get_weather","description":"The weather.","parameters":'$weather
    case $dialect in
        'OpenAI chat' | Ollama)
            [ -z "${3:-}" ] || tools=",\"tools\":[{\"type\":\"function\",\"function\":{$declared}}]"
            [ "$dialect" = Ollama ] || head+=$([ "$stream" = false ] || echo ',"stream_options":{"include_usage":true}')
            put "{$head,$said$tools}" "$([ "$dialect" = Ollama ] && echo /api/chat || echo /v1/chat/completions)"
            ;;
        'OpenAI responses')
            [ -z "${3:-}" ] || tools=",\"tools\":[{\"type\":\"function\",$declared}]"
            put "{$head,\"input\":\"$text\"$tools}" /v1/responses
            ;;
        Anthropic)
            [ -z "${3:-}" ] || tools=",\"tools\":[{\"name\":\"get_weather\",\"input_schema\":$weather}]"
            put "{$head,\"max_tokens\":4096,$said$tools}" /v1/messages
            ;;
        Gemini)
            [ -z "${3:-}" ] || tools=",\"tools\":[{\"functionDeclarations\":[{$declared}]}]"
            [ "$stream" = false ] || verb='streamGenerateContent?alt=sse'
            put "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"$text\"}]}]$tools}" \
                "/v1beta/models/$model:$verb"
            ;;
    esac
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

# told CHECK PROBLEM [FIELD]: the line of a check.
told() {
    local problem=null
    if [ -n "$2" ]; then
        problem=${2:0:600}
        problem=${problem//\\/\\\\}
        problem=\"$(printf %s "${problem//\"/\\\"}" | tr '\n\t\r' '   ')\"
    fi
    printf '{"client":"curl, %s","upstream":"%s","check":"%s","%s":%s}\n' \
        "$dialect" "$upstream" "$1" "${3:-problem}" "$problem"
}

# cut: whether a stream that broke off says so, or has no end.
cut() {
    local answer
    answer=$(ask 'please break off' true)
    case $answer in
        *'"error"'* | *'response.failed'*) ;;
        *"$end"*) printf 'the cut answer passed for whole: %s' "$answer" ;;
    esac
}

# abort: leaves an answer that has begun.
abort() {
    ask 'Count from one to one hundred' true | head -c 40 >/dev/null
    holds "$(ask "$plain")" pong 200
}

suite() {
    local both='What is the weather in Oslo and in Rome? Use the tool for both.' list=/v1/models used end check
    local pong='pong"'
    case $dialect in
        'OpenAI chat') used='"prompt_tokens":' end='[DONE]' ;;
        'OpenAI responses') used='"input_tokens":' end=response.completed ;;
        Anthropic) used='"input_tokens":' end=message_stop ;;
        Gemini) used='"promptTokenCount":' end='"finishReason":"STOP"' list=/v1beta/models ;;
        Ollama) used='"prompt_eval_count":' end='"done":true' list=/api/tags ;;
    esac
    told plain "$(holds "$(ask "$plain")" "$pong" 200)"
    local streamed
    streamed=$(ask 'Count from one to twenty' true)
    told streaming "$(holds "$streamed" twenty "$end" 200)"
    told usage "$(holds "$streamed" "$used")$(holds "$(ask "$plain")" "$used")"
    told 'parallel tools' "$(holds "$(ask "$both" false tools)" Oslo Rome get_weather 200)"
    told 'streamed tools' "$(holds "$(ask "$both" true tools)" get_weather "$end" 200)"
    told 'wrong key' "$(holds "$(key=sk-wrong ask "$plain")" '"error"' 401)"
    told 429 "$(holds "$(ask 'too many requests, please' true)" '"error"' 429)"
    told 500 "$(holds "$(ask 'please fall over' true)" '"error"' 500)"
    told 'cut stream' "$(cut)"
    told 'abort, then next' "$(abort)"
    told models "$(holds "$(curl --silent --max-time 20 --header "authorization: Bearer $key" "$base$list")" "$model\"")"
    for check in tool image 'structured output' thinking 'count tokens'; do
        told "$check" 'curl is for what is seen on the wire; the clients below do that' left_out
    done
    model=${model%%/*}/no-such-model-0
    told 'unknown model' "$(holds "$(ask "$plain")" '"error"' 404)"
}

for dialect in 'OpenAI chat' 'OpenAI responses' Anthropic Gemini Ollama; do
    while IFS=$'\t' read -r upstream model; do
        [ -z "$model" ] || suite
    done <<<"$3"
done
