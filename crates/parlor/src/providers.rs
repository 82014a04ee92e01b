//! The table of providers: a line for each crate that there is a feature for.

use parlor_registry::Provider;

/// Makes of each line, `feature | crate as module | what it adds`, the re-export of the crate, its
/// place among the providers and its row in their documentation.
macro_rules! providers {
    ($($feature:literal | $crate_name:ident as $module:ident | $what:literal),* $(,)?) => {
        $(
            #[cfg(feature = $feature)]
            pub use $crate_name as $module;
        )*

        /// The providers of every provider crate whose feature is on, for
        /// [`Registry::global`](crate::Registry::global).
        ///
        /// | feature and module | what it adds |
        /// |---|---|
        $(#[doc = concat!("| `", $feature, "` | ", $what, " |")])*
        pub static PROVIDERS: &[&[&dyn Provider]] = &[
            $(
                #[cfg(feature = $feature)]
                $crate_name::PROVIDERS,
            )*
        ];
    };
}

providers!(
    "openai" | parlor_openai as openai | "OpenAI",
    "anthropic" | parlor_anthropic as anthropic | "Anthropic",
    "gemini" | parlor_gemini as gemini | "Google Gemini",
    "ollama" | parlor_ollama as ollama | "Ollama",
    "kimi" | parlor_kimi as kimi | "Kimi of Moonshot AI",
    "cohere" | parlor_cohere as cohere | "Cohere",
    "glm" | parlor_glm as glm | "GLM of Zhipu AI and Z.ai",
    "ernie" | parlor_ernie as ernie | "ERNIE of Baidu Qianfan",
    "hunyuan" | parlor_hunyuan as hunyuan | "Hunyuan of Tencent",
    "mistral" | parlor_mistral as mistral | "Mistral",
    "azure" | parlor_azure as azure | "Azure OpenAI",
    "bedrock" | parlor_bedrock as bedrock | "Amazon Bedrock, by Converse and by `InvokeModel`",
    "compatible" | parlor_compatible as compatible | "thirty hosts of OpenAI's chat dialect",
);
