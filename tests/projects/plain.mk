# make -f plain.mk check RUN='threadleak run --'
CFLAGS = -g -pthread
TESTS = test_passes test_leaks test_fails test_skips test_errors

check: $(TESTS:%=%.run)

%.run: %
	$(RUN) ./$<

$(TESTS): %: %.c pool.c pool.h
	$(CC) $(CFLAGS) -o $@ $(filter %.c,$^)

.PHONY: check
