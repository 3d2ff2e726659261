import type { ASTNode } from "@marcbachmann/cel-js";
import { isTimeZone } from "../zoned-time.ts";
import { CelFault } from "./cel-fault.ts";
import { celFunctions, celLoops, celMethods, zonedGetters } from "./cel-functions.ts";
import { celLimits } from "./cel-limits.ts";
import { childrenOf } from "./children-of.ts";

/**
 * The most steps that evaluating the expression can take, whatever the request is. Throws CelFault
 * at a call that is not in the tables: what is not bounded is not available.
 */
export function celCost(node: ASTNode): number {
  if (node.op === "call") return callCost(node, node.args[0], node.args[1]);
  if (node.op === "rcall") return methodCost(node, node.args);
  return ownCost(node) + sum(childrenOf(node));
}

function ownCost(node: ASTNode): number {
  if (node.op === "in") return elementsMax(node.args[1]);
  // A comparison may go through two claims, a sum may copy two strings.
  const isDeep = node.op === "==" || node.op === "!=" || node.op === "+";
  return isDeep && !isCheap(node.args) ? 20 : 1;
}

function sum(nodes: readonly ASTNode[]): number {
  return nodes.reduce((total, node) => total + celCost(node), 0);
}

/** One side is a number, a short text or the like: the work ends with it. */
function isCheap(sides: readonly ASTNode[]): boolean {
  return sides.some(({ op }) => op === "value");
}

function callCost(node: ASTNode, name: string, args: readonly ASTNode[]): number {
  const rule = celFunctions[name];
  if (rule === undefined || !Object.hasOwn(celFunctions, name)) {
    throw notAvailable(node, `${name}()`, Object.keys(celFunctions));
  }
  requireLiteral(name, rule.literal, args[0]);
  return rule.cost + 1 + sum(args);
}

function methodCost(
  node: ASTNode,
  [name, receiver, args]: [string, ASTNode, readonly ASTNode[]],
): number {
  if (celLoops.has(name)) {
    return celCost(receiver) + elementsMax(receiver) * (1 + sum(args.slice(1)));
  }
  const rule = celMethods[name];
  if (rule === undefined || !Object.hasOwn(celMethods, name)) {
    throw notAvailable(node, `.${name}()`, [...Object.keys(celMethods), ...celLoops]);
  }
  requireLiteral(name, rule.literal, args[0]);
  if (Object.hasOwn(zonedGetters, name)) requireLiteral(name, zoneFault, args[0]);
  return rule.cost + celCost(receiver) + sum(args);
}

/** How many elements a list can have: as many as it is written with, or as a request may bring. */
function elementsMax(node: ASTNode): number {
  if (node.op === "list" || node.op === "map") return node.args.length;
  if (node.op === "rcall" && celLoops.has(node.args[0])) return elementsMax(node.args[1]);
  if (node.op === "+") return elementsMax(node.args[0]) + elementsMax(node.args[1]);
  if (node.op === "?:") return Math.max(elementsMax(node.args[1]), elementsMax(node.args[2]));
  return celLimits.elements;
}

function requireLiteral(
  name: string,
  faultOf: ((text: string) => string | undefined) | undefined,
  argument: ASTNode | undefined,
): void {
  if (faultOf === undefined || argument === undefined) return;
  const text = argument.op === "value" ? argument.args : undefined;
  const fault = typeof text === "string" ? faultOf(text) : "must be written out as a text";
  if (fault !== undefined) throw new CelFault(`the argument of ${name}() ${fault}`, argument.start);
}

function zoneFault(text: string): string | undefined {
  return isTimeZone(text) ? undefined : 'must be a time zone such as "Europe/Berlin" or "UTC"';
}

function notAvailable(node: ASTNode, what: string, available: readonly string[]): CelFault {
  return new CelFault(`${what} is not available; there are ${available.join(", ")}`, node.start);
}
