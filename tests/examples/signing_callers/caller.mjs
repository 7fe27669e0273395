// Calls signedToken of the example in the folder that is named, as a site would, with what is on standard input.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { signedToken } = await import(pathToFileURL(`${process.argv[2]}/signing.mjs`));

try {
  console.log(signedToken(...JSON.parse(readFileSync(0, "utf8"))));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
