/** The script that a page loads. Everything begins here, and the address is clean before anything else does. */

import { createClient } from "../client/client";
import { createCommands, keyIn } from "./commands";
import { complain } from "./complaints";
import { createAnnouncer } from "./events";
import { offerFunction, offerObject } from "./globals";
import { watchLinks } from "./hop";
import { takeHop } from "./landing";
import { createLauncher } from "./launcher";
import { readScript } from "./script";

const HERE = Symbol.for("hullo.widget");

function begin(): void {
  const script = readScript();
  const hop = takeHop(script.hopParameter);
  if (HERE in window) return complain("loaded twice");
  Object.assign(window, { [HERE]: true });

  const events = createAnnouncer();
  const client = createClient(events);
  const launcher = createLauncher(client, events);
  const commands = createCommands({ client, events, launcher, script, hop });
  watchLinks(client, commands.hopParameter);

  const preset = offerObject(script.globalName, commands);
  offerFunction(script.functionName, commands);
  // What the page asked for beforehand is known by now, and travels with the join.
  if (script.appKey ?? keyIn(preset)) commands.run("init", preset);
}

begin();
