// Gathers what a value does wrong while the validator looks at it, and tells it by place.
import type { EvaluationPlugin, ValidationContext } from "@hyperjump/json-schema/experimental";
import * as Instance from "@hyperjump/json-schema/instance/experimental";
import type { Fault } from "../../errors.js";
import { pointerStep } from "../../models/faults.js";
import { explainBreach } from "./fault-words.js";

/** More faults than this help nobody. */
const MAX_FAULTS = 100;
/** A schema has fewer parts, so that of choices none is left out; a list may have many more items that do not fit. */
const MAX_KEPT = 500;
/** Of so many choices it is said why none fits. */
const MAX_CHOICES = 5;

/** A keyword that does not hold for a value. */
interface Breach {
  keyword: string;
  wanted: unknown;
  instance: Instance.JsonNode;
  /** Of the schemas in the keyword, those that do not hold, each with its own breaches. */
  within: Breach[][];
}

/** The validator has one per schema and one per keyword that it looks at. */
interface Context extends ValidationContext {
  breaches?: Breach[];
  within?: Breach[][];
}

/** To be handed to the validator for one value. */
export class Breaches implements EvaluationPlugin<Context> {
  private found: Breach[] = [];

  afterKeyword(
    [id, , wanted]: [string, string, unknown],
    instance: Instance.JsonNode,
    context: Context,
    valid: boolean,
    schemaContext: Context,
  ): void {
    if (valid) return;
    const keyword = id.slice(id.lastIndexOf("/") + 1);
    push((schemaContext.breaches ??= []), { keyword, wanted, instance, within: context.within ?? [] });
  }

  afterSchema(_url: string, instance: Instance.JsonNode, context: Context, valid: boolean): void {
    if (valid) return;
    this.found = context.breaches ?? [{ keyword: "false", wanted: false, instance, within: [] }];
    delete context.breaches;
    push((context.within ??= []), this.found);
  }

  /** All that was found, as faults; pointers lead into the value. */
  toFaults(): Fault[] {
    const faults: Fault[] = [];
    for (const fault of faultsOf(this.found)) {
      if (faults.push(fault) === MAX_FAULTS) break;
    }
    return faults;
  }
}

function push<Item>(list: Item[], item: Item): void {
  if (list.length < MAX_KEPT) list.push(item);
}

/** One after the other, since there may be far more than anybody reads. */
function* faultsOf(breaches: Breach[]): Generator<Fault> {
  for (const breach of breaches) yield* faultsOfBreach(breach);
}

function* faultsOfBreach(breach: Breach): Generator<Fault> {
  const { keyword, wanted, instance, within } = breach;
  if (keyword === "anyOf" || keyword === "oneOf") yield explainChoices(breach);
  else if (keyword === "required") yield* missing(instance, wanted as string[], "is missing");
  else if (keyword === "dependentRequired" || keyword === "dependencies") {
    yield* missingDependents(instance, wanted as [string, unknown][]);
    yield* faultsOf(within.flat());
  } else if (within.length > 0 && keyword !== "contains" && keyword !== "not") yield* faultsOf(within.flat());
  // Why something does not fit what is looked for in a list, or must not be, is of no interest.
  else yield faultAt(instance, explainBreach(keyword, wanted, Instance.value(instance)));
}

function missing(instance: Instance.JsonNode, names: string[], message: string): Fault[] {
  const { pointer } = faultAt(instance, "");
  return names
    .filter((name) => !Instance.has(name, instance))
    .map((name) => ({ pointer: pointer + pointerStep(name), message }));
}

function missingDependents(instance: Instance.JsonNode, dependents: [string, unknown][]): Fault[] {
  return dependents.flatMap(([name, names]) => {
    if (!Array.isArray(names) || !Instance.has(name, instance)) return [];
    return missing(instance, names as string[], `is missing; it has to come with "${name}"`);
  });
}

function explainChoices({ keyword, wanted, instance, within }: Breach): Fault {
  const { length } = wanted as string[];
  const fitting = length - within.length;
  if (keyword === "oneOf" && fitting > 1) {
    return faultAt(instance, `fits ${fitting} of the ${length} choices, but must fit exactly one`);
  }
  const { pointer } = faultAt(instance, "");
  const reasons = within.slice(0, MAX_CHOICES).flatMap((breaches) => {
    const [first] = faultsOf(breaches);
    return first ? [`${first.pointer.slice(pointer.length)} ${first.message}`.trim()] : [];
  });
  return { pointer, message: `fits none of the ${length} choices: it ${reasons.join(", or ")}` };
}

function faultAt({ pointer: place }: Instance.JsonNode, message: string): Fault {
  // The validator marks what is a name itself, and not what stands behind it.
  const isName = place.startsWith("*");
  const steps = place.split("/").slice(1);
  const pointer = steps.map((step) => pointerStep(step.replaceAll("~1", "/").replaceAll("~0", "~"))).join("");
  return { pointer, message: isName ? `has a name that does not fit: it ${message}` : message };
}
