/** In every secret value; wherever it shows, a secret leaked. */
export const secretMark = "TOPSECRET";
