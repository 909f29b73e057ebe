// Answers cases of `overgrant simulate`, one JSON object a line, with @cloud-copilot/iam-simulate: {"id", "verdict"}.
import { createInterface } from "node:readline";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const WORDS = { Allowed: "allowed", ImplicitlyDenied: "implicitly_denied", ExplicitlyDenied: "explicitly_denied" };

const levels = (lists) =>
  (lists ?? []).map((list, at) => ({
    orgIdentifier: `level-${at}`,
    policies: list.map((policy, n) => ({ name: `p${n}`, policy })),
  }));

const named = (policy, name) => (policy ? [{ name, policy }] : undefined);

function simulation(one) {
  const { request } = one;
  const own = request.principal.split(":")[4];
  const context = Object.fromEntries(
    Object.entries(request.context ?? {}).map(([key, values]) => [
      key,
      (request.multivalued_keys ?? []).includes(key) ? values : values[0],
    ]),
  );
  return {
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: request.resource, accountId: request.resource_account ?? own },
      contextVariables: context,
    },
    identityPolicies: one.identity_policies.map(({ name, document }) => ({ name, policy: document })),
    serviceControlPolicies: levels(one.scps),
    resourceControlPolicies: levels(one.rcps),
    sessionPolicy: one.session_policy,
    resourcePolicy: one.resource_policy,
    permissionBoundaryPolicies: named(one.permissions_boundary, "boundary"),
    vpcEndpointPolicies: one.endpoint_policies?.map((policy, n) => ({ name: `e${n}`, policy })),
  };
}

const cases = [];
for await (const line of createInterface({ input: process.stdin })) cases.push(JSON.parse(line));
const made = cases.map(simulation);
for (const one of made.slice(0, 1000)) await runSimulation(one, {});
const answers = [];
const began = process.hrtime.bigint();
for (const one of made) answers.push(await runSimulation(one, {}));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
answers.forEach((answer, at) => {
  const verdict = WORDS[answer.overallResult] ?? `error: ${answer.errors?.message}`;
  console.log(JSON.stringify({ id: cases[at].id, verdict }));
});
console.error(`${Math.round(made.length / seconds)} decisions a second`);
