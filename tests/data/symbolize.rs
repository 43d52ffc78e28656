// For tests/check_symbolize_names.c: prints return addresses of frames, as the file counts them.
mod app {
    pub struct Pool;
    pub trait Start {
        fn start(&self);
    }
    impl Start for Pool {
        #[inline(never)]
        fn start(&self) {
            std::thread::Builder::new()
                .spawn(|| super::print_stack("body"))
                .unwrap()
                .join()
                .unwrap();
            super::print_stack("start");
        }
    }
}

#[repr(C)]
struct Module {
    base: usize,
}
extern "C" {
    fn backtrace(buffer: *mut usize, size: i32) -> i32;
    fn dl_iterate_phdr(
        callback: extern "C" fn(*const Module, usize, *mut usize) -> i32,
        data: *mut usize,
    ) -> i32;
}
extern "C" fn first(module: *const Module, _size: usize, data: *mut usize) -> i32 {
    unsafe { *data = (*module).base };
    1
}

#[inline(never)]
fn print_stack(name: &str) {
    let mut stack = [0usize; 64];
    let mut base = 0usize;
    unsafe { dl_iterate_phdr(first, &mut base) };
    let count = unsafe { backtrace(stack.as_mut_ptr(), 64) } as usize;
    for (i, pc) in stack[..count].iter().enumerate() {
        // Others' modules lie far behind the program's own.
        if pc.wrapping_sub(base) < 1 << 28 {
            println!("{}{} {:#x}", name, i, pc - base);
        }
    }
}

fn main() {
    use app::Start;
    app::Pool.start();
}
