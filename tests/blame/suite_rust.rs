// cargo test, and rustc --test.
#[cfg(test)]
mod tests {
    fn leak() {
        std::thread::spawn(|| loop {
            std::thread::park()
        });
    }

    #[test]
    fn leaks() {
        leak();
    }

    mod inner {
        #[test]
        fn leaks_as_well() {
            super::leak();
        }
    }

    #[test]
    fn leaks_nothing() {
        std::thread::spawn(|| {}).join().unwrap();
    }
}
