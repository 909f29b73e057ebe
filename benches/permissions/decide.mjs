// Decides the requests of `draw_requests.py` with @cloud-copilot/iam-simulate: node decide.mjs REQUESTS OUT
// OUT gets a verdict a line. Prints nanoseconds of processor time a decision.
import { readFileSync, writeFileSync } from "node:fs";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const WORDS = { Allowed: "allowed", ImplicitlyDenied: "implicitly_denied", ExplicitlyDenied: "explicitly_denied" };
const { documents, identities, requests } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const named = (name) => ({ name, policy: documents[name] });
const held = identities.map(({ policies, boundary, scps }) => ({
  identityPolicies: policies.map(named),
  serviceControlPolicies: scps.map((level, at) => ({ orgIdentifier: `level-${at}`, policies: level.map(named) })),
  resourceControlPolicies: [],
  permissionBoundaryPolicies: [named(boundary)],
}));
const simulations = requests.map(({ identity, action, resource, context }) => ({
  ...held[identity],
  request: {
    principal: identities[identity].arn,
    action,
    resource: { resource, accountId: identities[identity].arn.split(":")[4] },
    contextVariables: Object.fromEntries(Object.entries(context).map(([key, values]) => [key, values[0]])),
  },
}));
for (const one of simulations.slice(0, 500)) await runSimulation(one, {});
const answers = [];
const start = process.cpuUsage();
for (const one of simulations) answers.push(await runSimulation(one, {}));
const { user, system } = process.cpuUsage(start);
console.log(((user + system) * 1000) / simulations.length);
const word = (answer) => WORDS[answer.overallResult] ?? `error: ${JSON.stringify(answer.errors ?? answer).slice(0, 200)}`;
writeFileSync(process.argv[3], answers.map((answer) => `${word(answer)}\n`).join(""));
