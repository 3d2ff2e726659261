// CSI; OSC ended by BEL or ST; DCS, SOS, PM and APC ended by ST; other escapes of two characters.
// The same in their one-character (C1) forms. A sequence without its end loses only its start; no
// part runs across another start, so that the time stays linear.
const sequences =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u0090-\u009f]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u0090-\u009f]*(?:\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

// Every other control character but tab and line feed, and the marks that turn text around.
const controls = /[[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]--[\t\n]]/gv;

/**
 * Text that cannot move the cursor, change colours, set titles or write to the clipboard of the
 * terminal it is printed on. Tabs and line feeds stay.
 */
export function stripControls(text: string): string {
  return text.replace(sequences, "").replace(controls, "");
}
