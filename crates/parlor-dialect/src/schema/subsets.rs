//! The subsets, as data.

/// The part of JSON Schema that a provider understands.
///
/// A new one is a `static` of this type: start from [`SchemaSubset::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaSubset {
    /// The keywords it knows; others are left out. `None` knows all of them.
    pub keywords: Option<&'static [&'static str]>,
    /// The values of `format` it knows; `None` knows all of them.
    pub formats: Option<&'static [&'static str]>,
    /// Whether `$ref` and `$defs` stay. If not, references are written out in
    /// place, and one that leads back to itself is cut with a note.
    pub keep_refs: bool,
    /// How a schema of several types, null among them, is said.
    pub types: TypeArrays,
    /// What values `enum` may have.
    pub enums: EnumValues,
    /// What objects must say.
    pub objects: ObjectRule,
    /// Whether each schema must say its type, and no alternatives beside it.
    pub typed: bool,
}

impl SchemaSubset {
    /// All of JSON Schema.
    pub const ALL: Self = Self {
        keywords: None,
        formats: None,
        keep_refs: true,
        types: TypeArrays::Keep,
        enums: EnumValues::Any,
        objects: ObjectRule::Free,
        typed: false,
    };

    /// Whether it knows a keyword.
    pub fn has(&self, keyword: &str) -> bool {
        self.keywords.is_none_or(|known| known.contains(&keyword))
    }
}

/// How a schema of several types is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeArrays {
    /// `"type": ["string", "null"]`.
    Keep,
    /// `"type": "string", "nullable": true`, and `anyOf` for several others.
    Nullable,
}

/// What values `enum` may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnumValues {
    /// Any JSON.
    Any,
    /// Texts and numbers; others are left out with a note.
    TextsAndNumbers,
    /// Texts; others are written as texts, and the type becomes `string`.
    Texts,
}

/// What objects must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectRule {
    /// Nothing special.
    Free,
    /// `additionalProperties: false`, and every property required; one that
    /// wasn't may be null instead.
    Closed,
    /// `additionalProperties: false`; what is required stays as it is.
    Sealed,
}

/// What `responseSchema` and `parameters` of Gemini take: the OpenAPI 3.0
/// subset that every model knows (`wire/gemini.md`, section 4).
pub static GEMINI_OPENAPI: SchemaSubset = SchemaSubset {
    keywords: Some(&[
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "propertyOrdering",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "example",
        "anyOf",
        "default",
    ]),
    formats: Some(&["enum", "date-time", "float", "double", "int32", "int64"]),
    keep_refs: false,
    types: TypeArrays::Nullable,
    enums: EnumValues::Texts,
    ..SchemaSubset::ALL
};

/// What `responseJsonSchema` and `parametersJsonSchema` of Gemini take
/// (`wire/gemini.md`, section 4, and `default`, which recorded requests have).
pub static GEMINI_JSON_SCHEMA: SchemaSubset = SchemaSubset {
    keywords: Some(&[
        "$id",
        "$defs",
        "$ref",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "anyOf",
        "oneOf",
        "properties",
        "additionalProperties",
        "required",
        "propertyOrdering",
        "default",
    ]),
    enums: EnumValues::TextsAndNumbers,
    ..SchemaSubset::ALL
};

/// What `strict` functions and formats of OpenAI take (`wire/openai-chat.md`).
pub static OPENAI_STRICT: SchemaSubset = SchemaSubset {
    keywords: Some(&[
        "$defs",
        "$ref",
        "type",
        "title",
        "description",
        "enum",
        "const",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "pattern",
        "format",
    ]),
    formats: Some(&[
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uuid",
    ]),
    objects: ObjectRule::Closed,
    ..SchemaSubset::ALL
};

/// What `output_config.format` and `strict` tools of Anthropic take
/// (`wire/anthropic-messages.md`, section 5, and the official SDKs).
pub static ANTHROPIC_OUTPUT: SchemaSubset = SchemaSubset {
    keywords: Some(&[
        "$schema",
        "$id",
        "$defs",
        "$ref",
        "type",
        "title",
        "description",
        "enum",
        "const",
        "default",
        "anyOf",
        "allOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "format",
    ]),
    formats: Some(&[
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    ]),
    objects: ObjectRule::Sealed,
    ..SchemaSubset::ALL
};

/// What hosts take that want a type with each schema, in the alternatives where
/// there are some, and references that stand alone (`wire/chinese-providers.md`).
pub static TYPED: SchemaSubset = SchemaSubset {
    keywords: Some(&[
        "type",
        "title",
        "description",
        "default",
        "enum",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
    ]),
    keep_refs: false,
    typed: true,
    ..SchemaSubset::ALL
};
