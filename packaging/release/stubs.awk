# Writes the assembler source and the version script of a stub: a library with the names and versions of one library of
# glibc 2.17, but without code. What is linked with stubs needs nothing newer, on whichever glibc it was built.
#
#   readelf -W --dyn-syms FILE | awk -v name=libpthread.so.0 -v base=build/stub -f stubs.awk
#
# FILE is a library of this machine's glibc: glibc keeps each version of a function for ever, but since 2.34 libc.so.6
# also has what was in libpthread, libdl and librt. Such a function has an old version, which is not the default one.

# "GLIBC_2.3.4" -> 2003004; 0: not a version of glibc 2.17 or older
function number_of(version, part) {
    if (version !~ /^GLIBC_[0-9.]+$/)
        return 0
    split(substr(version, 7), part, ".")
    version = part[1] * 1000000 + part[2] * 1000 + part[3]
    return version <= 2017999 ? version : 0
}

function home_of(symbol) {
    if (FILE_IS_LIBC && is_moved[symbol]) {
        if (symbol ~ /^(_?_?pthread_|sem_)/) return "libpthread.so.0"
        if (symbol ~ /^dl/) return "libdl.so.2"
        if (symbol ~ /^(mq_|timer_|aio_|lio_|shm_)/) return "librt.so.1"
    }
    return FILE_IS_LIBC ? "libc.so.6" : name
}

BEGIN { FILE_IS_LIBC = name ~ /^lib(c|pthread|dl|rt)\.so/ }

$7 != "UND" && $8 ~ /@/ && $4 ~ /^(FUNC|IFUNC|OBJECT)$/ {
    symbol = $8
    sub(/@.*/, "", symbol)
    version = $8
    is_default = sub(/^[^@]*@@/, "", version)
    sub(/^[^@]*@/, "", version)
    number = number_of(version)
    if (is_default)
        is_linkable[symbol] = 1
    if (is_default && !number)
        is_moved[symbol] = 1
    if (number <= best[symbol])
        next
    best[symbol] = number
    version_of[symbol] = version
    is_object[symbol] = $4 == "OBJECT"
    is_weak[symbol] = $5 == "WEAK"
    address[symbol] = $2
    size[symbol] = $3
}

END {
    print ".text\ncode: ret" >base ".s"
    for (symbol in version_of) {
        # Names without a default version are for old programs alone: pthread_atfork() is a part of libc_nonshared.a, and its
        # old version was in libpthread, which a program without threads does not search before libc.
        if (!is_linkable[symbol] || home_of(symbol) != name)
            continue
        nodes[version_of[symbol]] = nodes[version_of[symbol]] " " symbol ";"
        print(is_weak[symbol] ? ".weak " : ".globl ") symbol >base ".s"
        if (is_object[symbol])
            objects[address[symbol]] = objects[address[symbol]] " " symbol
        else
            print ".type " symbol ",@function\n" symbol " = code" >base ".s"
    }
    # Names of one object stay names of one object, since a program that has a copy of it has it under all names.
    print ".bss" >base ".s"
    for (at in objects) {
        n = split(objects[at], names, " ")
        print ".balign 32" >base ".s"
        for (i = 1; i <= n; i++)
            print ".type " names[i] ",@object\n.size " names[i] "," size[names[i]] "\n" names[i] ":" >base ".s"
        print ".space " size[names[1]] >base ".s"
    }
    for (node in nodes)
        print node " {" nodes[node] " };" >base ".map"
}
