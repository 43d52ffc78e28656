/* A constructor that does not return while the loader's lock is held. */
void constructor_waits(void);

__attribute__((constructor)) static void start(void)
{
    constructor_waits();
}
