//! A Lua script with a name, so that metrics can say which one was called.

use redis::{ScriptInvocation, ToRedisArgs};

/// One script; usually a `static` behind a `LazyLock`, so that its hash is computed once.
#[derive(Debug)]
pub struct Script {
    name: &'static str,
    script: redis::Script,
}

impl Script {
    /// The script `code`, counted in metrics as `name`.
    pub fn new(name: &'static str, code: &str) -> Self {
        Self {
            name,
            script: redis::Script::new(code),
        }
    }

    /// A call of it, to which keys and arguments are added.
    pub fn call(&self) -> Call<'_> {
        Call {
            name: self.name,
            invocation: self.script.prepare_invoke(),
        }
    }
}

/// One call of a script.
#[derive(Debug)]
pub struct Call<'script> {
    name: &'static str,
    invocation: ScriptInvocation<'script>,
}

impl<'script> Call<'script> {
    /// Adds a key. All keys of a call share one hash tag, or a Cluster refuses it.
    #[must_use]
    pub fn key(mut self, key: impl ToRedisArgs) -> Self {
        self.invocation.key(key);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.invocation.arg(argument);
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn invocation(&self) -> &ScriptInvocation<'script> {
        &self.invocation
    }
}
