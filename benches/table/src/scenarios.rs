//! What is measured, and which tables show it.

/// Work that clients are measured by, one process for each.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What the program is told, and how many of its units, if not its usual
    /// number.
    pub(crate) asks: &'static str,
    pub(crate) count: Option<usize>,
    pub(crate) caption: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) how: How,
}

/// How a scenario is played.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// In every round, one client after the other.
    InTurn,
    /// Once, some clients beside each other: no figure depends on time.
    Beside(usize),
    /// The start of the process, seen from outside.
    Start,
}

/// A figure: its heading, its name, what it is divided by, its unit, and
/// whether what else the machine does weighs on it.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) divisor: f64,
    pub(crate) unit: &'static str,
    pub(crate) timed: bool,
}

const fn timed(
    heading: &'static str,
    figure: &'static str,
    divisor: f64,
    unit: &'static str,
) -> Column {
    Column {
        heading,
        figure,
        divisor,
        unit,
        timed: true,
    }
}

const fn steady(
    heading: &'static str,
    figure: &'static str,
    divisor: f64,
    unit: &'static str,
) -> Column {
    Column {
        heading,
        figure,
        divisor,
        unit,
        timed: false,
    }
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

const INSTRUCTIONS: Column = steady("instructions", "instructions", 1.0, "");
const ALLOCATIONS: Column = steady("allocations", "allocations", 1.0, "");

const fn scenario(
    name: &'static str,
    caption: &'static str,
    columns: &'static [Column],
) -> Scenario {
    Scenario {
        name,
        asks: name,
        count: None,
        caption,
        columns,
        how: How::InTurn,
    }
}

/// All of them, in the order of the tables.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario(
        "stream",
        "Streaming: each text delta, sixteen to a read",
        &[
            timed("CPU", "cpu_ns", 1.0, "ns"),
            INSTRUCTIONS,
            ALLOCATIONS,
            steady("bytes allocated", "allocated", 1.0, "B"),
            steady("peak heap of the program", "peak", KIB, "KiB"),
        ],
    ),
    scenario(
        "varied",
        "Frames that don't repeat: each text delta, the fields of no frame in the order of the one before",
        &[timed("CPU", "cpu_ns", 1.0, "ns"), INSTRUCTIONS, ALLOCATIONS],
    ),
    scenario(
        "single",
        "Streaming: each text delta, one to a read",
        &[timed("CPU", "cpu_ns", 1.0, "ns"), ALLOCATIONS],
    ),
    Scenario {
        asks: "open",
        count: Some(1000),
        how: How::Beside(4),
        ..scenario(
            "open-1000",
            "A thousand slow streams: each open stream",
            OPEN,
        )
    },
    Scenario {
        asks: "open",
        count: Some(5000),
        how: How::Beside(2),
        ..scenario(
            "open-5000",
            "Five thousand slow streams: each open stream",
            OPEN,
        )
    },
    scenario(
        "small",
        "A call that isn't streamed, 200 bytes of answer",
        &[timed("CPU", "cpu_ns", 1000.0, "µs"), ALLOCATIONS],
    ),
    scenario(
        "large",
        "A call that isn't streamed, 1 MiB of answer",
        &[
            timed("CPU", "cpu_ns", 1000.0, "µs"),
            steady("peak heap", "peak", KIB, "KiB"),
        ],
    ),
    scenario(
        "history",
        "A history of 200 messages, sent",
        &[timed("CPU", "cpu_ns", 1000.0, "µs"), ALLOCATIONS],
    ),
    scenario(
        "images",
        "Ten megabytes of images, sent",
        &[
            timed("CPU", "cpu_ns", 1e6, "ms"),
            steady("peak heap", "peak", MIB, "MiB"),
        ],
    ),
    scenario(
        "huge",
        "One event of 8 MiB in reads of 1 KiB",
        &[
            timed("CPU", "cpu_ns", 1e6, "ms"),
            steady("peak heap", "peak", MIB, "MiB"),
        ],
    ),
    scenario(
        "latency",
        "Time to the first delta, connection standing",
        &[
            timed("median", "median_ns", 1000.0, "µs"),
            timed("90 %", "p90_ns", 1000.0, "µs"),
        ],
    ),
    Scenario {
        asks: "first",
        how: How::Start,
        ..scenario(
            "start",
            "Start of the process to its first request",
            &[
                timed("wall", "wall_ns", 1e6, "ms"),
                timed("CPU", "cpu_ns", 1e6, "ms"),
            ],
        )
    },
];

const OPEN: &[Column] = &[
    steady("heap", "heap", KIB, "KiB"),
    steady("resident", "resident", KIB, "KiB"),
];

/// A line of the short table: its label, scenario and figure, and whether the
/// ratio to the floor is shown or the figure, divided by this.
pub(crate) struct Short {
    pub(crate) label: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) divisor: Option<f64>,
}

const fn ratio(label: &'static str, scenario: &'static str, figure: &'static str) -> Short {
    Short {
        label,
        scenario,
        figure,
        divisor: None,
    }
}

const fn figure(
    label: &'static str,
    scenario: &'static str,
    figure: &'static str,
    divisor: f64,
) -> Short {
    Short {
        label,
        scenario,
        figure,
        divisor: Some(divisor),
    }
}

pub(crate) const SHORT: &[Short] = &[
    ratio("CPU of a text delta", "stream", "cpu_ns"),
    ratio("its instructions", "stream", "instructions"),
    figure("its allocations", "stream", "allocations", 1.0),
    ratio(
        "instructions, where frames don't repeat",
        "varied",
        "instructions",
    ),
    ratio("CPU of a small call, not streamed", "small", "cpu_ns"),
    figure("heap of an open stream, KiB", "open-1000", "heap", KIB),
];
