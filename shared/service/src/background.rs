//! Threads that give way: what they do may wait while requests want the processor. Law: they slow nobody down, and
//! take all that is left.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime of its own for work behind the requests, on threads that give way.
#[derive(Debug)]
pub struct Background {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Background {
    /// Starts it with so many threads for tasks, and further ones for blocking calls. Each calls `give_way` first.
    pub fn start(threads: usize, give_way: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("recap-behind")
            .on_thread_start(give_way)
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where its tasks are spawned.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Its tasks have ended at shutdown; waiting is not allowed where this may be dropped.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn its_threads_are_its_own_and_made_ready() {
        fn name() -> Option<String> {
            thread::current().name().map(str::to_owned)
        }
        let (tell, told) = std::sync::mpsc::channel();
        let background = Background::start(1, move || {
            let _ = tell.send(name());
        });
        let background = background.unwrap();
        let task = background.handle().spawn(async { name() });
        let blocking = background.handle().spawn_blocking(name);
        let threads = [task.await.unwrap(), blocking.await.unwrap()];
        assert_eq!(threads, [const { Some("recap-behind") }; 2].map(|name| name.map(str::to_owned)));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), threads);
    }
}
