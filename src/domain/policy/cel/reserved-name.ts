/** Stands for `function`, which CEL reserves; as long, so that positions stay what they are. */
export const functionVariable = "functio_";

const reserved = /(?<![.\w])function(?!\w)/;
const texts = [
  /[bB]?[rR]"""[^]*?"""|[bB]?[rR]'''[^]*?'''|[bB]?[rR]"[^"\n]*"|[bB]?[rR]'[^'\n]*'/,
  /"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*/,
];
const tokens = new RegExp(`${texts.map(({ source }) => source).join("|")}|${reserved.source}`, "g");

/** The expression with the variable `function` under the name that the library takes. */
export function withFunctionVariable(expression: string): string {
  return expression.replace(tokens, (token) => (token === "function" ? functionVariable : token));
}

/** A message of the library with the name as the user wrote it. */
export function withoutFunctionVariable(message: string): string {
  return message.replaceAll(functionVariable, "function");
}
