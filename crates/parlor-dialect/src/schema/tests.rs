use super::*;

fn openapi(schema: Value) -> (Value, Vec<String>) {
    let out = restrict(&schema, &GEMINI_OPENAPI);
    (out.schema, out.notes)
}

fn silently(schema: Value, subset: &SchemaSubset) -> Value {
    let out = restrict(&schema, subset);
    assert_eq!(out.notes, Vec::<String>::new());
    out.schema
}

#[test]
fn what_openapi_lacks_is_said_in_its_words() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "const": {"const": "a"},
            "name": {"type": ["string", "null"], "description": "who"},
            "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "perhaps": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "mixed": {"type": ["string", "integer", "null"]},
            "count": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        },
        "required": ["name", "elsewhere"],
        "additionalProperties": false,
    });
    let wanted = json!({
        "type": "object",
        "properties": {
            "const": {"type": "string", "enum": ["a"]},
            "name": {"type": "string", "nullable": true, "description": "who"},
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "perhaps": {"nullable": true, "type": "integer", "minimum": 1},
            "mixed": {"nullable": true, "anyOf": [{"type": "string"}, {"type": "integer"}]},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["name"],
    });
    assert_eq!(silently(schema, &GEMINI_OPENAPI), wanted);
}

#[test]
fn what_changes_the_meaning_is_noted_once() {
    let (schema, notes) = openapi(json!({
        "type": "object",
        "properties": {
            "a": {"type": "integer", "enum": [1, 2], "multipleOf": 2},
            "b": {"type": "string", "format": "uri", "not": {"enum": ["x"]}},
            "c": {"type": "number", "multipleOf": 0.5, "exclusiveMinimum": 0.5},
            "d": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
            "e": false,
        },
        "propertyNames": {"pattern": "^[a-z]$"},
    }));
    assert_eq!(
        schema["properties"],
        json!({
            "a": {"type": "string", "enum": ["1", "2"]},
            "b": {"type": "string"},
            "c": {"type": "number", "minimum": 0.5},
            "d": {
                "type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "minItems": 2,
                "maxItems": 2,
            },
            "e": {},
        })
    );
    assert_eq!(notes.len(), 8, "{notes:?}");
    assert_eq!(
        notes.iter().filter(|it| it.contains("multipleOf")).count(),
        1
    );
}

#[test]
fn references_are_written_out_and_cycles_cut() {
    let (schema, notes) = openapi(json!({
        "$defs": {
            "Place": {"type": "object", "properties": {"city": {"type": "string"}}},
            "Tree": {"type": "object", "properties": {
                "place": {"$ref": "#/$defs/Place", "description": "where"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
            }},
        },
        "$ref": "#/$defs/Tree",
    }));
    let tree = json!({
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "description": "where",
            },
            "children": {"type": "array", "items": {"type": "object"}},
        },
    });
    assert_eq!(schema, tree);
    assert_eq!(
        notes,
        ["the reference `#/$defs/Tree` leads back to itself and is left open there"]
    );
    let (schema, notes) = openapi(json!({"items": {"$ref": "#/$defs/None"}}));
    assert_eq!((schema, notes.len()), (json!({"items": {}}), 1));
}

#[test]
fn all_of_is_merged() {
    let (schema, notes) = openapi(json!({
        "$defs": {"A": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
        "allOf": [
            {"$ref": "#/$defs/A"},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"], "minProperties": 1},
            {"minProperties": 2},
        ],
        "type": "object",
    }));
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "minProperties": 1,
        })
    );
    assert_eq!(
        notes,
        ["of several `minProperties` in `allOf` the first counts"]
    );
}

#[test]
fn geminis_json_schema_keeps_references_alone() {
    let out = restrict(
        &json!({
            "type": "object",
            "definitions": {"P": {"type": "string", "maxLength": 3}},
            "properties": {
                "p": {"$ref": "#/definitions/P", "description": "left out"},
                "n": {"type": ["integer", "null"]},
                "o": {"oneOf": [{"const": 1}, {"const": "a"}, {"const": true}]},
            },
            "additionalProperties": false,
        }),
        &GEMINI_JSON_SCHEMA,
    );
    assert_eq!(
        out.schema,
        json!({
            "type": "object",
            "$defs": {"P": {"type": "string"}},
            "properties": {
                "p": {"$ref": "#/$defs/P"},
                "n": {"type": ["integer", "null"]},
                "o": {"oneOf": [{"enum": [1]}, {"enum": ["a"]}, {}]},
            },
            "additionalProperties": false,
        })
    );
    assert_eq!(out.notes.len(), 2, "{:?}", out.notes);
}

#[test]
fn openai_strict_closes_objects() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "string", "enum": ["x"]},
            "c": {"$ref": "#/$defs/C"},
            "d": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
        "required": ["a"],
        "$defs": {"C": {"type": "object", "properties": {}}},
    });
    let wanted = json!({
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": ["string", "null"], "enum": ["x", null]},
            "c": {"anyOf": [{"$ref": "#/$defs/C"}, {"type": "null"}]},
            "d": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        },
        "required": ["a", "b", "c", "d"],
        "$defs": {"C": {
            "type": "object",
            "properties": {},
            "required": [],
            "additionalProperties": false,
        }},
        "additionalProperties": false,
    });
    assert_eq!(silently(schema, &OPENAI_STRICT), wanted);
    assert_eq!(silently(wanted.clone(), &OPENAI_STRICT), wanted);
}

#[test]
fn all_of_json_schema_stays_as_it_is() {
    let schema = json!({
        "type": ["object", "null"],
        "properties": {"a": {"const": 1, "not": {}}, "b": {"allOf": [{"minimum": 1}]}},
        "$defs": {"X": {"items": [{"type": "string"}]}},
        "if": {"required": ["a"]},
    });
    let mut wanted = schema.clone();
    wanted["$defs"]["X"] = json!({"items": {"type": "string"}, "minItems": 1, "maxItems": 1});
    assert_eq!(restrict(&schema, &SchemaSubset::ALL).schema, wanted);
}

#[test]
fn hostile_schemas_are_bounded() {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "items": deep });
    }
    assert_eq!(openapi(deep).1.len(), 1);
    let mut definitions = Map::new();
    for level in 0..40 {
        let next = format!("#/$defs/D{}", level + 1);
        let fan = json!({"anyOf": [{"$ref": next}, {"$ref": next}, {"$ref": next}]});
        definitions.insert(format!("D{level}"), fan);
    }
    let fan = json!({"$ref": "#/$defs/D0", "$defs": definitions});
    let (schema, notes) = openapi(fan);
    assert!(schema.to_string().len() < 1_000_000 && !notes.is_empty());
    let both = json!([{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]);
    let (_, _) = openapi(json!({"$defs": {"A": {"allOf": both}}, "$ref": "#/$defs/A"}));
}

#[test]
fn each_schema_says_its_type_where_a_host_wants_that() {
    let anything = json!([
        {"type": "string"}, {"type": "number"}, {"type": "boolean"},
        {"type": "object"}, {"type": "array"}, {"type": "null"},
    ]);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {
            "any": {"description": "whatever"},
            "all": true,
            "mode": {"enum": ["a", "b"]},
            "mixed": {"enum": ["a", 1, "b"]},
            "one": {"const": 3},
            "text": {"maxLength": 5},
            "at_least": {"minimum": 1},
            "list": {"items": {}},
            "inner": {"properties": {"x": {"type": "string"}}, "required": ["x", "y"]},
            "either": {"type": "string", "anyOf": [{"format": "date"}, {"const": "now"}]},
            "perhaps": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
            "shape": {"$ref": "#/$defs/shape", "description": "a shape"},
            "other": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        },
        "required": ["mode"],
        "$defs": {"shape": {"type": "object", "properties": {"sides": {"type": "integer"}}}},
    });
    let wanted = json!({
        "properties": {
            "any": {"description": "whatever", "anyOf": anything},
            "all": {"anyOf": anything},
            "mode": {"enum": ["a", "b"], "type": "string"},
            "mixed": {"anyOf": [
                {"type": "string", "enum": ["a", "b"]},
                {"type": "integer", "enum": [1]},
            ]},
            "one": {"enum": [3], "type": "integer"},
            "text": {"maxLength": 5, "type": "string"},
            "at_least": {"minimum": 1, "type": "number"},
            "list": {"items": {"anyOf": anything}, "type": "array"},
            "inner": {
                "properties": {"x": {"type": "string"}},
                "required": ["x"],
                "type": "object",
            },
            "either": {"anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "enum": ["now"]},
            ]},
            "perhaps": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
            "shape": {
                "type": "object",
                "properties": {"sides": {"type": "integer"}},
                "description": "a shape",
            },
            "other": {"anyOf": [{"type": "object"}, {"type": "object"}]},
        },
        "required": ["mode"],
        "type": "object",
    });
    assert_eq!(silently(schema, &TYPED), wanted);
    let out = restrict(
        &json!({
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "anyOf": [
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
                {"required": ["a"]},
            ],
        }),
        &TYPED,
    );
    assert_eq!(
        out.schema,
        json!({
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        })
    );
    assert_eq!(out.notes.len(), 1);
}
