/* Linked with a library whose constructor made a thread before the shim's own ran. */
void lib_constructor(void);

int main(void)
{
    lib_constructor();
    return 0;
}
