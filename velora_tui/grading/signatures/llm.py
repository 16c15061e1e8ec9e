"""The model and its provider, as litellm and OpenHands report them."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Source, Table

_llm = Table(FailureClass.AGENT, phases=("trajectory",), sources=(Source.LOG, Source.ERROR))
# How OpenHands and litellm name the class of an error.
_CLASS = r"(?:litellm\.(?:exceptions\.)?|while running the agent: |Error type: )"
_own = Table(FailureClass.AGENT, phases=("trajectory",), sources=(Source.ERROR,))

LLM: tuple[Signature, ...] = (
    _llm.row(
        "llm-context-length",
        r"(?:ContextWindowExceed(?:ed)?Error|context_length_exceeded|maximum context length is \d"
        r"|prompt is too long: \d|[Ii]nput is too long for requested model"
        r"|input token count .{0,40}exceeds the maximum number of tokens"
        r"|Conversation history longer than LLM context window limit)",
        "the conversation became longer than the model can read",
        "turn on a condenser in config.toml, or use a model with a larger context, then retry",
    ),
    _llm.row(
        "llm-content-filter",
        r"(?:ContentPolicyViolationError|ResponsibleAIPolicyViolation|content_policy_violation"
        r"|Output blocked by content filtering policy|response was filtered due to the prompt triggering"
        r"|rejected as a result of our safety system|flagged as potentially violating our usage policy"
        r"|PROHIBITED_CONTENT|ERROR_LLM_CONTENT_POLICY_VIOLATION)",
        "the provider's content filter stopped the model",
        "retry; if it happens again, the task's text triggers it",
    ),
    _llm.row(
        "llm-budget",
        r"(?:insufficient_quota|exceeded your current quota|credit balance is too low|billing_hard_limit"
        r"|BudgetExceededError|ExceededBudget|Budget has been exceeded"
        r"|Insufficient (?:Balance|credits)|402 Payment Required|ERROR_LLM_OUT_OF_CREDITS)",
        "the LLM account's money or quota is used up",
        "top up the account or raise its limit, then retry",
    ),
    _llm.row(
        "llm-authentication",
        r"(?:\bAuthenticationError\b|invalid_api_key|Incorrect API key provided|invalid x-api-key|API key not valid"
        r"|API_KEY_INVALID|api_key client option must be set|Missing credentials\. Please pass an `api_key`"
        r"|\bPermissionDeniedError\b|ERROR_LLM_AUTHENTICATION)",
        "the LLM refuses the key",
        "fix the key in the harness's config.toml, then retry",
    ),
    _llm.row(
        "llm-rate-limit",
        r"(?:\bRateLimitError\b|rate_limit_exceeded|rate_limit_error|(?:CHAT_INTERFACE\$)?AGENT_RATE_LIMITED)",
        "the LLM limits the rate",
        "retry later",
    ),
    _llm.row(
        "llm-timeout",
        r"(?:\bAPITimeoutError\b|litellm\.(?:exceptions\.)?Timeout\b)",
        "the LLM does not answer in time",
        "retry later",
    ),
    _llm.row(
        "model-unknown",
        rf"(?:{_CLASS}NotFoundError\b|LLM Provider NOT provided|Could not find LLM config"
        r"|model_not_found|DeploymentNotFound"
        r"|AttributeError: 'NoneType' object has no attribute 'log_completions')|\bNotFoundError: ",
        "the LLM's provider, or the harness's config.toml, does not know the model",
        "mend the model's section in config.toml, then retry",
    ),
    _llm.row(
        "llm-connection",
        rf"{_CLASS}(?:APIConnectionError\b|InternalServerError: .*(?:Exception|Error) - "
        r"(?:Connection error\.|\[Errno \d+\] |Empty or invalid response from LLM endpoint))",
        "the LLM's provider cannot be reached",
        "check base_url in config.toml and the instance's network, then retry",
    ),
    _llm.row(
        "llm-unavailable",
        rf"(?:{_CLASS}(?:InternalServerError|ServiceUnavailableError|BadGatewayError)"
        r"|overloaded_error|ERROR_LLM_(?:SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR)"
        r"|(?:\b50[234]|\b529) (?:Bad Gateway|Service|Gateway Time-?out|Overloaded))",
        "the LLM's provider fails or is overloaded",
        "retry later",
    ),
    _llm.row(
        "llm-bad-request",
        rf"{_CLASS}(?:BadRequestError|UnsupportedParamsError|UnprocessableEntityError)\b",
        "the LLM's provider does not take the request as the harness makes it",
        "read the error, mend the model's section in config.toml (temperature, top_p, …), then retry",
    ),
    _llm.row(
        "llm-no-answer",
        r"(?:LLMNoResponseError|LLMResponseError|LLMNoActionError|LLMMalformedActionError"
        r"|FunctionCallConversionError|FunctionCallValidationError)\b",
        "the model answered with nothing that the agent can use",
        "retry; if it happens again, look at native_tool_calling in config.toml",
    ),
    _llm.row(
        "agent-time-limit",
        r"(?:EvalTimeoutException|Function timed out after \d+ seconds|Timeout after \d+ seconds$)",
        "the agent did not end within the harness's own time limit",
        "retry, or raise the harness's timeout",
    ),
    _llm.row(
        "llm-error",
        rf"{_CLASS}\w*(?:Error|Exceeded)\b",
        "the LLM answers with an error",
        "read the error, then retry",
        is_vague=True,
    ),
)

# Ordinary ends of a trajectory: OpenHands logs them as errors, and they are no failure of the attempt.
OWN: tuple[Signature, ...] = (
    _own.row(
        "agent-stuck",
        r"(?:AgentStuckInLoopError|Agent got stuck in a loop)",
        "the agent repeated itself",
        "nothing is broken: the model's own doing",
    ),
    _own.row(
        "agent-limit",
        r"(?:Agent reached maximum (?:iteration|budget)|reached maximum budget for task)",
        "the agent used up its steps or its budget",
        "nothing is broken: the model's own doing; more steps with --max-iterations",
    ),
)
