//! Puts layers around a model in the order that their meaning asks for.

use crate::limits::LimitStore;
use crate::{balance, concurrency, fallback, hedge, rate_limit, retry, timeout};
use parlor_core::{ChatModel, Error, ErrorKind, Layer, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

/// The layers of this crate in their order, outermost first. A new layer has
/// its row here, at its place.
pub static ORDER: &[Slot] = &[
    Slot::of::<crate::hooks::HooksLayer>("hooks"),
    #[cfg(feature = "trace")]
    Slot::configurable::<crate::trace::TraceLayer>("trace"),
    Slot::configurable::<crate::metrics::MetricsLayer>("metrics"),
    Slot::configurable::<crate::validate::ValidateLayer>("validate"),
    #[cfg(feature = "redact")]
    Slot::configurable::<crate::redact::RedactLayer>("redact"),
    #[cfg(feature = "replay")]
    Slot::of::<crate::replay::ReplayLayer>("replay"),
    #[cfg(feature = "cache")]
    Slot::configurable::<crate::cache::CacheLayer>("cache"),
    #[cfg(feature = "cache")]
    Slot::configurable::<crate::coalesce::CoalesceLayer>("coalesce"),
    Slot::configurable::<crate::budget::BudgetLayer>("budget"),
    Slot::of::<fallback::FallbackLayer>("fallback"),
    Slot::of::<balance::BalanceLayer>("balance"),
    Slot::configurable::<hedge::HedgeLayer>("hedge"),
    Slot::configurable::<crate::resume::ResumeLayer>("resume"),
    Slot::of::<crate::fetch_media::FetchMediaLayer>("fetch_media"),
    Slot::of::<retry::RetryLayer>("retry"),
    Slot::configurable::<crate::strict::StrictLayer>("strict"),
    Slot::configurable::<rate_limit::RateLimitLayer>("rate_limit"),
    Slot::configurable::<concurrency::ConcurrencyLayer>("concurrency"),
    Slot::of::<timeout::TimeoutLayer>("timeout"),
];

/// The configurable layers that need a feature, with the feature: so that a
/// program without it can say what to turn on.
const OF_FEATURES: &[(&str, &str)] = &[
    ("trace", "trace"),
    ("redact", "redact"),
    ("cache", "cache"),
    ("coalesce", "cache"),
];

/// A layer's place in the [`ORDER`], and how it is made from a configuration.
pub struct Slot {
    /// What a configuration calls it: `[layers.NAME]`.
    pub name: &'static str,
    layer: fn() -> TypeId,
    configure: Option<Configure>,
}

type Shared = Arc<dyn Layer + Send + Sync>;
type Configure = fn(&Value, &Stores) -> std::result::Result<Shared, String>;

/// A layer that a configuration can ask for by its name.
pub trait Configurable: Layer + Send + Sync + Sized + 'static {
    /// What a person can set. Everything has a default, an unknown key is an
    /// error.
    type Settings: DeserializeOwned;

    /// The layer that these settings ask for.
    ///
    /// # Behavior
    /// - What contradicts itself is told as a sentence that names the key.
    /// - Nothing is opened or sent.
    fn configured(settings: Self::Settings) -> std::result::Result<Self, String>;

    /// The same layer that counts and keeps in these stores, if it does either.
    #[must_use]
    fn within(self, stores: &Stores) -> Self {
        let _ = stores;
        self
    }
}

/// Where layers made from a configuration count and keep, so that several
/// instances of a program do so together; in each layer's own memory by default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stores {
    /// The accounts of `budget` and `rate_limit`. Layers of one name share them.
    pub limits: Option<Arc<dyn LimitStore>>,
    /// The answers of `cache`.
    #[cfg(feature = "cache")]
    pub cache: Option<Arc<dyn crate::cache::CacheStore>>,
}

impl Slot {
    /// The place of a layer that is made in code only.
    pub(crate) const fn of<L: Layer + 'static>(name: &'static str) -> Self {
        Self {
            name,
            layer: TypeId::of::<L>,
            configure: None,
        }
    }

    /// The place of a layer that a configuration can ask for too.
    pub(crate) const fn configurable<L: Configurable>(name: &'static str) -> Self {
        Self {
            name,
            layer: TypeId::of::<L>,
            configure: Some(|settings, stores| {
                let settings = read::<L::Settings>(settings)?;
                let layer = L::configured(settings)?;
                Ok(Arc::new(layer.within(stores)))
            }),
        }
    }

    /// Whether a configuration can ask for it.
    pub fn is_configurable(&self) -> bool {
        self.configure.is_some()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Reads settings; what is wrong is told with its key.
fn read<S: DeserializeOwned>(settings: &Value) -> std::result::Result<S, String> {
    let error = match S::deserialize(settings) {
        Ok(settings) => return Ok(settings),
        Err(error) => error.to_string(),
    };
    // Everything has a default, so that the key which is wrong is wrong by itself.
    let is_wrong = |(key, value): &(&String, &Value)| {
        let alone = Map::from_iter([((*key).clone(), (*value).clone())]);
        S::deserialize(Value::Object(alone)).is_err()
    };
    let wrong = settings.as_object().and_then(|it| it.iter().find(is_wrong));
    let key = wrong.map(|(key, _)| format!("`{key}`"));
    Err(match key.filter(|key| !error.contains(key.as_str())) {
        Some(key) => format!("{key}: {error}"),
        None => error,
    })
}

/// Makes the layer that `[layers.NAME]` asks for. `settings` is its table;
/// `true` stands for one in which nothing is set.
///
/// # Errors
/// [`Configuration`](ErrorKind::Configuration) for a name that no layer has, a
/// layer of a feature that is off or one that is made in code only, and for
/// settings that are wrong, with what was expected.
pub fn configured(name: &str, settings: &Value) -> Result<ConfiguredLayer> {
    configured_within(name, settings, &Stores::default())
}

/// The same, where what is counted and kept is in these stores.
///
/// # Errors
/// As of [`configured`].
pub fn configured_within(name: &str, settings: &Value, stores: &Stores) -> Result<ConfiguredLayer> {
    let wrong = |message: String| {
        Error::new(
            ErrorKind::Configuration,
            format!("`layers.{name}`: {message}"),
        )
    };
    let place = ORDER.iter().position(|slot| slot.name == name);
    let slot = place.and_then(|place| Some((place, ORDER.get(place)?.configure?)));
    let Some((place, configure)) = slot else {
        let (message, help) = missing(name, place.is_some());
        return Err(wrong(message).with_help(help));
    };
    let empty = Value::Object(Map::new());
    let settings = match settings {
        Value::Bool(true) => &empty,
        settings => settings,
    };
    let layer = configure(settings, stores).map_err(wrong)?;
    Ok(ConfiguredLayer { place, layer })
}

/// Why there is no layer to configure by that name, and what to do.
fn missing(name: &str, is_there: bool) -> (String, String) {
    let known = ORDER.iter().filter(|slot| slot.is_configurable());
    let names: Vec<_> = known.map(|slot| slot.name).collect();
    let names = format!("There are {}.", names.join(", "));
    match OF_FEATURES.iter().find(|(layer, _)| *layer == name) {
        _ if is_there => (
            "this layer is made in code, or by a route, and not from a table of its own".to_owned(),
            names,
        ),
        Some((_, feature)) => (
            format!("the feature `{feature}`, which has this layer, is off"),
            format!("Build the program with the feature `{feature}` or `all-layers`. {names}"),
        ),
        None => ("there is no such layer to configure".to_owned(), names),
    }
}

/// A layer made from a configuration, for a [`Stack`]. Clones share its state.
#[derive(Clone)]
pub struct ConfiguredLayer {
    place: usize,
    layer: Shared,
}

impl fmt::Debug for ConfiguredLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfiguredLayer")
            .field(&ORDER.get(self.place))
            .finish()
    }
}

/// Several layers around one model, in the right [`ORDER`] whatever the order
/// in which they were added.
///
/// ```
/// use parlor_core::{Echo, ChatModelExt};
/// use parlor_layers::retry::RetryLayer;
/// use parlor_layers::timeout::TimeoutLayer;
/// use parlor_layers::Stack;
///
/// let stack = Stack::new()
///     .with(TimeoutLayer::default())
///     .with(RetryLayer::default());
/// assert_eq!(stack.names(), ["retry", "timeout"]);
/// let model = Echo::new().layer(stack.build()?);
/// # use parlor_core::ChatModel;
/// # assert_eq!(model.info().model, "echo");
/// # Ok::<(), parlor_core::Error>(())
/// ```
///
/// A layer of your own says which of these it stands outside of:
///
/// ```
/// use parlor_core::layer_fn;
/// use parlor_layers::retry::RetryLayer;
/// use parlor_layers::Stack;
///
/// let mine = layer_fn(|model| model);
/// let stack = Stack::new()
///     .outside::<RetryLayer>("mine", mine)
///     .with(RetryLayer::default());
/// assert_eq!(stack.names(), ["mine", "retry"]);
/// # stack.build()?;
/// # Ok::<(), parlor_core::Error>(())
/// ```
///
/// Clones share the layers and so their state.
#[derive(Clone, Default)]
pub struct Stack {
    layers: Vec<Placed>,
    as_added: bool,
    wrong: Option<String>,
}

#[derive(Clone)]
struct Placed {
    /// The row in [`ORDER`], and within it 0 for what stands outside.
    place: (usize, u8),
    name: &'static str,
    layer: Shared,
}

impl Stack {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stack whose layers are added outermost first, and which
    /// [`build`](Self::build) refuses where that isn't their order: for a
    /// program that wants the order to be seen where it is written.
    pub fn outermost_first() -> Self {
        Self {
            as_added: true,
            ..Self::default()
        }
    }

    /// Adds a layer of this crate. One that is added twice, or that the
    /// [`ORDER`] doesn't have, is an error of [`build`](Self::build).
    #[must_use]
    pub fn with<L: Layer + Send + Sync + 'static>(mut self, layer: L) -> Self {
        match place::<L>() {
            Some(place) => self.add((place, 1), name(place), Arc::new(layer)),
            None => self.complain(format!(
                "{} has no place in the order of layers; add it by `outside`",
                type_name::<L>()
            )),
        }
        self
    }

    /// Adds a layer made from a configuration.
    #[must_use]
    pub fn with_configured(mut self, layer: ConfiguredLayer) -> Self {
        self.add((layer.place, 1), name(layer.place), layer.layer);
        self
    }

    /// Adds a layer of any kind right outside the place of `L`, whether or not
    /// there is an `L`. Of several there, the one added first is the outermost.
    #[must_use]
    pub fn outside<L: Layer + 'static>(
        mut self,
        name: &'static str,
        layer: impl Layer + Send + Sync + 'static,
    ) -> Self {
        match place::<L>() {
            Some(place) => self.add((place, 0), name, Arc::new(layer)),
            None => self.complain(format!(
                "`{name}` can't stand outside of {}, which has no place in the order of layers",
                type_name::<L>()
            )),
        }
        self
    }

    /// The names of the layers, outermost first.
    pub fn names(&self) -> Vec<&'static str> {
        self.layers.iter().map(|placed| placed.name).collect()
    }

    /// The layers as one.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where a layer was added
    /// twice, has no place, or stands in the wrong one.
    pub fn build(self) -> Result<Layers> {
        match self.wrong {
            Some(wrong) => Err(Error::new(ErrorKind::Configuration, wrong)),
            None => Ok(Layers(self.layers.into())),
        }
    }

    fn add(&mut self, place: (usize, u8), name: &'static str, layer: Shared) {
        let at = self.layers.partition_point(|other| other.place <= place);
        let before = at.checked_sub(1).and_then(|before| self.layers.get(before));
        if place.1 == 1 && before.is_some_and(|before| before.place == place) {
            return self.complain(format!("the layer `{name}` was added twice"));
        }
        if self.as_added
            && let Some(inner) = self.layers.get(at)
        {
            let message = format!("`{name}` stands outside of `{}`, add it before", inner.name);
            return self.complain(message);
        }
        let placed = Placed { place, name, layer };
        self.layers.insert(at, placed);
    }

    fn complain(&mut self, message: String) {
        self.wrong.get_or_insert(message);
    }
}

fn place<L: 'static>() -> Option<usize> {
    ORDER
        .iter()
        .position(|slot| (slot.layer)() == TypeId::of::<L>())
}

fn name(place: usize) -> &'static str {
    ORDER.get(place).map_or("", |slot| slot.name)
}

fn list(layers: &[Placed], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_list()
        .entries(layers.iter().map(|placed| placed.name))
        .finish()
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(&self.layers, f)
    }
}

/// The layers of a [`Stack`] as one layer. Clones share their state, and so do
/// the models within them.
#[derive(Clone)]
pub struct Layers(Arc<[Placed]>);

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(&self.0, f)
    }
}

impl Layer for Layers {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        let innermost_first = self.0.iter().rev();
        innermost_first.fold(inner, |model, placed| placed.layer.layer(model))
    }
}
