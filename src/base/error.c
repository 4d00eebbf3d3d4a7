#include "kvc.h"

const char *kvc_error_name(kvc_error error)
{
    static const char *const names[KVC_ERROR_COUNT] = {
        [KVC_OK] = "ok",
        [KVC_PENDING] = "pending",
        [KVC_ERR_INVALID_ARGUMENT] = "invalid_argument",
        [KVC_ERR_CONFIG_INVALID] = "config_invalid",
        [KVC_ERR_OUT_OF_MEMORY] = "out_of_memory",
        [KVC_ERR_TENSOR_UNKNOWN] = "tensor_unknown",
        [KVC_ERR_TENSOR_DTYPE] = "tensor_dtype",
        [KVC_ERR_TENSOR_SHAPE] = "tensor_shape",
        [KVC_ERR_TENSOR_BYTES] = "tensor_bytes",
        [KVC_ERR_TENSOR_DUPLICATE] = "tensor_duplicate",
        [KVC_ERR_TENSOR_MISSING] = "tensor_missing",
        [KVC_ERR_TOKEN_OUT_OF_RANGE] = "token_out_of_range",
        [KVC_ERR_POSITION_OUT_OF_RANGE] = "position_out_of_range",
        [KVC_ERR_CONTEXT_FULL] = "context_full",
        [KVC_ERR_CACHE_FULL] = "cache_full",
        [KVC_ERR_NOT_READY] = "not_ready",
        [KVC_ERR_NOT_FINITE] = "not_finite",
        [KVC_ERR_BUSY] = "busy",
        [KVC_ERR_UNSUPPORTED] = "unsupported",
        [KVC_ERR_STATE_INVALID] = "state_invalid",
        [KVC_ERR_STATE_FOREIGN] = "state_foreign",
        [KVC_ERR_NO_SOURCE] = "no_source",
        [KVC_ERR_SOURCE_TOO_LONG] = "source_too_long",
    };
    return (unsigned)error < KVC_ERROR_COUNT ? names[error] : "unknown";
}
