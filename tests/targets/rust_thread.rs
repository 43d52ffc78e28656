// Rust: one thread is joined, one whose handle is dropped stays.  The site is the user's frame.
use std::sync::mpsc;
use std::thread;

#[inline(never)]
fn spawn_and_forget(ready: mpsc::Sender<()>) {
    let stay = move || {
        ready.send(()).unwrap();
        loop {
            thread::park();
        }
    };
    let named = thread::Builder::new().name("forgotten".to_string());
    named.spawn(stay).unwrap();
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(|| println!("joined")).join().unwrap();
    spawn_and_forget(sender);
    receiver.recv().unwrap();
}
