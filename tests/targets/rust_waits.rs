// Rust: threads that wait for each other, and near misses: `rust_waits HOW`. Prints "up"; ends with its input.
//
//   join        each of two threads joins the other
//   join_near   one joins another, which is parked, and which the main thread can wake
//   mutex       two threads lock two mutexes, each in its own order; a Mutex does not store its owner
//   mutex_joined  the same, and the main thread joins both: only the threads refer to the mutexes
//   mutex_near  a thread wants a mutex whose owner is parked, and can be woken
use std::io::Read;
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, JoinHandle, Thread};

fn join_what_comes(handles: Receiver<JoinHandle<()>>) {
    handles.recv().unwrap().join().unwrap();
}

fn join_each_other() {
    let (to_first, first) = channel();
    let (to_second, second) = channel();
    let one = thread::spawn(move || join_what_comes(first));
    let two = thread::spawn(move || join_what_comes(second));
    to_first.send(two).unwrap();
    to_second.send(one).unwrap();
}

fn park_for_ever() {
    loop {
        thread::park();
    }
}

static PARKED: Mutex<Vec<Thread>> = Mutex::new(Vec::new());

fn join_a_parked_one() {
    let parked = thread::spawn(park_for_ever);
    PARKED.lock().unwrap().push(parked.thread().clone());
    thread::spawn(move || parked.join().unwrap());
}

fn lock_both(first: Arc<Mutex<i32>>, second: Arc<Mutex<i32>>, both: Arc<Barrier>) {
    let _first = first.lock().unwrap();
    both.wait();
    let _second = second.lock().unwrap();
}

fn lock_in_both_orders() -> [JoinHandle<()>; 2] {
    let (a, b, both) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)), Arc::new(Barrier::new(2)));
    let (a2, b2, both2) = (a.clone(), b.clone(), both.clone());
    [thread::spawn(move || lock_both(a, b, both)), thread::spawn(move || lock_both(b2, a2, both2))]
}

static KEPT: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

fn want_what_a_parked_one_has() -> JoinHandle<()> {
    let (mutex, locked) = (Arc::new(Mutex::new(1)), Arc::new(Barrier::new(2)));
    let (mutex2, locked2) = (mutex.clone(), locked.clone());
    let owner = thread::spawn(move || {
        let _held = mutex.lock().unwrap();
        locked.wait();
        park_for_ever();
    });
    thread::spawn(move || {
        locked2.wait();
        let _wanted = mutex2.lock().unwrap();
    });
    owner
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("join") => join_each_other(),
        Some("join_near") => join_a_parked_one(),
        Some("mutex") => drop(lock_in_both_orders()),
        Some("mutex_joined") => {
            println!("up");
            for locker in lock_in_both_orders() {
                locker.join().unwrap();
            }
        }
        _ => KEPT.lock().unwrap().push(want_what_a_parked_one_has()),
    }
    println!("up");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    std::process::exit(0);
}
