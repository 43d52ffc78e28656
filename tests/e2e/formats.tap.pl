# Reads a TAP file with TAP::Parser, and prints what it found as JSON.
use strict;
use warnings;
use JSON::PP;
use TAP::Parser;

open my $file, '<:raw', $ARGV[0] or die "$ARGV[0]: $!";
my $parser = TAP::Parser->new({ tap => do { local $/; <$file> } });
my (@tests, @yaml, @unknown);
while (my $result = $parser->next) {
    push @tests, { ok => $result->is_actual_ok ? 1 : 0, name => $result->description, skip => $result->has_skip ? 1 : 0 }
        if $result->is_test;
    push @yaml, $result->data if $result->is_yaml;
    push @unknown, $result->as_string if $result->is_unknown;
}
print JSON::PP->new->canonical->encode({
    version => $parser->version, plan => $parser->plan, errors => [ $parser->parse_errors ],
    tests => \@tests, yaml => \@yaml, unknown => \@unknown,
});
