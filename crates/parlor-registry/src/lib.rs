//! Provider descriptors, model ids, the model catalogue and configuration.
