<?php

// Signs who a visitor is, on your site's server: a hash, or a token. README.md says which, and when.

declare(strict_types=1);

const LONGEST_LIFE = 24 * 60 * 60;

const USAGE = <<<'TEXT'
usage: php signing.php hash VALUE
       php signing.php token APP_KEY EXTERNAL_ID [EMAIL] [NAME]
TEXT;

/**
 * The hash that vouches for one value: the external id or, when no external id is sent, the email as it is sent.
 *
 * The key's text is the key, as it is: nothing of it is decoded, from hexadecimal or otherwise.
 */
function user_hash(#[\SensitiveParameter] string $key, string $value): string
{
    return hash_hmac('sha256', $value, $key);
}

/**
 * The token (a JWT, HS256) that vouches for all of its claims, once, for as many seconds as `$ttl` says.
 *
 * The claims: sub, which is the external id, email, name, phone, company, avatar_url, custom_data.
 *
 * @param array<string, mixed> $claims
 */
function signed_token(
    #[\SensitiveParameter] string $key,
    ?string $keyId,
    string $appKey,
    array $claims,
    int $ttl = 300,
): string {
    if ($ttl < 1 || $ttl > LONGEST_LIFE) {
        throw new RangeException(sprintf('a token lives for 1 to %d seconds, not for %d', LONGEST_LIFE, $ttl));
    }
    $header = ['alg' => 'HS256', 'typ' => 'JWT'];
    if ($keyId) {
        $header['kid'] = $keyId;
    }
    $now = time();
    $payload = array_merge(
        $claims,
        ['iat' => $now, 'exp' => $now + $ttl, 'aud' => $appKey, 'jti' => bin2hex(random_bytes(16))],
    );
    // An array that is empty, or numbered from 0, would become a JSON array.
    if (isset($payload['custom_data'])) {
        $payload['custom_data'] = (object) $payload['custom_data'];
    }
    $signed = base64url(to_json($header)) . '.' . base64url(to_json($payload));
    $signature = hash_hmac('sha256', $signed, $key, binary: true);
    return $signed . '.' . base64url($signature);
}

function base64url(string $data): string
{
    return rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
}

/** @param array<string, mixed> $value */
function to_json(array $value): string
{
    return json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
}

/** The app's identity key, which only the server knows. */
function identity_key(): string
{
    $key = getenv('HULLO_IDENTITY_KEY');
    if ($key === false || $key === '') {
        throw new RuntimeException("HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)");
    }
    return $key;
}

/**
 * For trying it.
 *
 * @param list<string> $arguments
 */
function main(array $arguments): int
{
    $command = array_shift($arguments);
    try {
        if ($command === 'hash' && count($arguments) === 1) {
            echo user_hash(identity_key(), $arguments[0]), "\n";
        } elseif ($command === 'token' && count($arguments) >= 2 && count($arguments) <= 4) {
            [$appKey, $sub, $email, $name] = array_pad($arguments, 4, '');
            $claims = array_filter(compact('sub', 'email', 'name'), fn (string $value): bool => $value !== '');
            $keyId = getenv('HULLO_IDENTITY_KEY_ID') ?: null;
            echo signed_token(identity_key(), $keyId, $appKey, $claims), "\n";
        } else {
            fwrite(STDERR, USAGE . "\n");
            return 2;
        }
    } catch (Exception $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        return 1;
    }
    return 0;
}

if (PHP_SAPI === 'cli' && realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    exit(main(array_slice($argv, 1)));
}
