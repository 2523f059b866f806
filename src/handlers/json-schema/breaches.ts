// Gathers what a value does wrong while the validator looks at it, and tells it by place.
import type { EvaluationPlugin, ValidationContext } from "@hyperjump/json-schema/experimental";
import * as Instance from "@hyperjump/json-schema/instance/experimental";
import type { Fault } from "../../errors.js";
import { pointerStep } from "../../models/faults.js";
import { explainBreach } from "./fault-words.js";

/** More faults than this help nobody. */
const MAX_FAULTS = 100;
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

/** To be handed to the validator for one value; it keeps a hundred breaches at most of each kind and place. */
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
    return faultsOf(this.found).slice(0, MAX_FAULTS);
  }
}

function push<Item>(list: Item[], item: Item): void {
  if (list.length < MAX_FAULTS) list.push(item);
}

function faultsOf(breaches: Breach[]): Fault[] {
  return breaches.flatMap((breach) => {
    const { keyword, wanted, instance, within } = breach;
    const value = Instance.value<unknown>(instance);
    if (keyword === "required") return missing(instance, wanted as string[], "is missing");
    if (keyword === "dependentRequired" || keyword === "dependencies") {
      return [...missingDependents(instance, wanted as [string, unknown][]), ...within.flatMap(faultsOf)];
    }
    if (keyword === "anyOf" || keyword === "oneOf") return [explainChoices(breach)];
    // Why something does not fit what is looked for in a list, or must not be, is of no interest.
    if (within.length > 0 && keyword !== "contains" && keyword !== "not") return within.flatMap(faultsOf);
    return [faultAt(instance, explainBreach(keyword, wanted, value))];
  });
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
