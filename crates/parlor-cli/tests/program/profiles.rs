//! Profiles: parts of the configuration that are laid over the rest.

use crate::common::{Home, Ran};

const CONFIG: &str = "\
default_model = \"openai/gpt-4o\"
[models.quick]
model = \"openai/gpt-4o-mini\"
[profiles.offline]
default_model = \"quick\"
[profiles.offline.models.quick]
model = \"echo\"
";

#[test]
fn a_profile_is_laid_over_the_rest() {
    let home = Home::new();
    home.config(CONFIG);
    home.run(&["hi"]).failed(4, "no-key");
    assert_eq!(home.run(&["--profile", "offline", "hi"]).stdout, "hi\n");
    let mut command = home.parlor(&["-m", "quick", "hi"]);
    let by_variable = Ran::of(command.env("PARLOR_PROFILE", "offline").output().unwrap());
    assert_eq!(by_variable.stdout, "hi\n", "{by_variable:?}");
    let told = home.run(&["doctor", "--profile", "offline"]).stdout;
    assert!(told.contains("with the profile offline"), "{told}");
    let other = home.file("other.toml", CONFIG);
    let ran = home.run(&["--config", &other, "--profile=offline", "hi"]);
    assert_eq!(ran.stdout, "hi\n", "{ran:?}");
}

#[test]
fn a_profile_that_is_not_there_or_wrong_is_told() {
    let home = Home::new();
    home.config(CONFIG);
    home.run(&["--profile", "ofline", "hi"])
        .failed(3, "config")
        .says(&["no profile `ofline`", "There is offline."]);
    home.config("[profiles.a]\ndefault_modle = \"echo\"\n");
    home.run(&["config", "check"])
        .failed(3, "config")
        .says(&["default_modle"]);
    home.config("[profiles.a.routes.r]\nmodels = [\"\"]\n");
    home.run(&["config", "check"]).failed(3, "config");
    home.config("[profiles.a.profiles.b]\n");
    home.run(&["config", "check"])
        .failed(3, "config")
        .says(&["a profile has none of its own"]);
}
