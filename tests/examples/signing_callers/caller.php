<?php

// Calls signed_token of the example in the folder that is named, as a site would, with what is on standard input.

declare(strict_types=1);

require $argv[1] . '/signing.php';

try {
    echo signed_token(...json_decode(stream_get_contents(STDIN), true)), "\n";
} catch (RangeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
