//! What codes and words of errors mean, as data.

use parlor_core::{ErrorKind, TimeoutKind};

/// What codes and types of error mean, in lower case; a code that ends in `*`
/// stands for all that begin so.
pub(super) const CODES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::ContextTooLong,
        &[
            "context_length_exceeded",
            "context_window_exceeded",
            "exceed_context_size_error",
            "model_context_window_exceeded",
            "too_many_prompt_tokens",
            "string_above_max_length",
        ],
    ),
    (
        ErrorKind::ContentFiltered,
        &[
            "content_filter*",
            "content_policy_violation",
            "data_inspection_failed",
            "datainspectionfailed",
            "inputtextsensitive*",
            "inputimagesensitive*",
            "inputtextrisk*",
            "outputtextsensitive*",
            "outputtextrisk*",
            "sensitivecontentdetected*",
            "invalid_prompt",
            "responsibleaipolicyviolation",
        ],
    ),
    (
        ErrorKind::QuotaExhausted,
        &[
            "insufficient_quota",
            "insufficient_balance",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "project_spend_limit_exceeded",
            "billing_*",
            "exceeded_current_quota_error",
            "arrearage",
            "accountoverdueerror",
            "quotaexceeded",
            "setlimitexceeded",
            "payment_required",
        ],
    ),
    (
        ErrorKind::Overloaded,
        &[
            "engine_overloaded*",
            "overloaded*",
            "server_overloaded",
            "serveroverloaded",
            "service_unavailable*",
            "serviceunavailable",
            "unavailable_error",
            "modelservingerror",
            "service_tier_capacity_exceeded",
        ],
    ),
    (
        ErrorKind::RateLimited,
        &[
            "rate_limit*",
            "ratelimit*",
            "rpm_rate_limit*",
            "tpm_rate_limit*",
            "modelaccount*ratelimitexceeded",
            "throttling*",
            "limit_requests",
            "too_many_requests",
            "requestbursttoofast",
            "requests",
            "tokens",
        ],
    ),
    (
        ErrorKind::ModelNotFound,
        &[
            "model_not_found",
            "model_not_available",
            "modelnotfound",
            "model.notexist",
            "invalid_model",
            "unknown_model",
            "deploymentnotfound",
            "invalidendpointormodel.*",
            "resource_not_found_error",
        ],
    ),
    (
        ErrorKind::Authentication,
        &[
            "invalid_api_key",
            "invalidapikey",
            "api_key_invalid",
            "authentication_error",
            "authenticationerror",
            "invalid_authentication_error",
            "incorrect_api_key_error",
            "invalid_iam_token",
            "unauthenticated",
            "unauthorized",
        ],
    ),
    (
        ErrorKind::Permission,
        &[
            "permission_denied*",
            "insufficient_permissions",
            "access_denied",
            "accessdenied*",
            "operationdenied*",
            "modelnotopen",
            "unsupported_country_region_territory",
        ],
    ),
    (
        ErrorKind::Unsupported,
        &["unsupported_parameter", "unsupported_value"],
    ),
    (
        ErrorKind::Media,
        &[
            "invalid_image*",
            "image_parse_error",
            "unsupported_image*",
            "invalid_base64",
        ],
    ),
    (
        ErrorKind::Timeout(TimeoutKind::FirstEvent),
        &["request_timeout", "requesttimeout", "gatewaytimeout"],
    ),
    (
        ErrorKind::Server,
        &[
            "server_error",
            "internal_error",
            "internalerror*",
            "internal_server_error",
            "internalserviceerror",
            "upstream_error",
        ],
    ),
];

/// What messages mean that come without a telling code: all words of a row
/// must stand in the message, in lower case.
pub(super) const PHRASES: &[(ErrorKind, &[&str])] = &[
    (ErrorKind::ContextTooLong, &["maximum context length"]),
    (ErrorKind::ContextTooLong, &["context length"]),
    (ErrorKind::ContextTooLong, &["context window"]),
    (ErrorKind::ContextTooLong, &["context size"]),
    (ErrorKind::ContextTooLong, &["prompt is too long"]),
    (ErrorKind::ContextTooLong, &["input is too long"]),
    (ErrorKind::ContextTooLong, &["messages is too long"]),
    (ErrorKind::ContextTooLong, &["range of input length"]),
    (ErrorKind::ContentFiltered, &["content management policy"]),
    (ErrorKind::ContentFiltered, &["inappropriate content"]),
    (ErrorKind::ContentFiltered, &["flagged", "moderation"]),
    (ErrorKind::QuotaExhausted, &["insufficient", "balance"]),
    (ErrorKind::QuotaExhausted, &["insufficient", "credit"]),
    (ErrorKind::QuotaExhausted, &["requires more credits"]),
    (ErrorKind::QuotaExhausted, &["exceeded your current quota"]),
    (ErrorKind::Authentication, &["invalid", "api key"]),
    (ErrorKind::Authentication, &["api key not valid"]),
    (ErrorKind::ModelNotFound, &["model", "does not exist"]),
    (ErrorKind::ModelNotFound, &["model", "not found"]),
    (ErrorKind::ModelNotFound, &["not a valid model"]),
];

/// How kinds of error are reported: status, type and code.
pub(super) const REPORTS: &[(ErrorKind, u16, &str, Option<&str>)] = &[
    (
        ErrorKind::Authentication,
        401,
        "invalid_request_error",
        Some("invalid_api_key"),
    ),
    (
        ErrorKind::Permission,
        403,
        "invalid_request_error",
        Some("insufficient_permissions"),
    ),
    (
        ErrorKind::ModelNotFound,
        404,
        "invalid_request_error",
        Some("model_not_found"),
    ),
    (
        ErrorKind::ContextTooLong,
        400,
        "invalid_request_error",
        Some("context_length_exceeded"),
    ),
    (
        ErrorKind::ContentFiltered,
        400,
        "invalid_request_error",
        Some("content_filter"),
    ),
    (
        ErrorKind::Unsupported,
        400,
        "invalid_request_error",
        Some("unsupported_parameter"),
    ),
    (
        ErrorKind::Media,
        400,
        "invalid_request_error",
        Some("invalid_image_format"),
    ),
    (
        ErrorKind::InvalidRequest,
        400,
        "invalid_request_error",
        None,
    ),
    (ErrorKind::Validation, 400, "invalid_request_error", None),
    (
        ErrorKind::RateLimited,
        429,
        "rate_limit_error",
        Some("rate_limit_exceeded"),
    ),
    (
        ErrorKind::QuotaExhausted,
        429,
        "insufficient_quota",
        Some("insufficient_quota"),
    ),
    (
        ErrorKind::Overloaded,
        503,
        "server_error",
        Some("engine_overloaded"),
    ),
];
