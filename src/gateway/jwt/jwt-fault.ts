import { errors } from "jose";
import { ReactorError } from "../../domain/errors.ts";

/** Why a token is not believed; `details.reason` of `auth_required`. */
export type JwtReason =
  | "missing"
  | "malformed"
  | "too_large"
  | "algorithm"
  | "unknown_key"
  | "signature"
  | "expired"
  | "not_yet_valid"
  | "issuer"
  | "audience"
  | "claims";

const sentences: Readonly<Record<JwtReason, string>> = {
  missing: 'send one as "Authorization: Bearer <token>"',
  malformed: "it is not a signed JWT; send one as the issuer gave it",
  too_large: "it is too large; ask the issuer for one with fewer claims",
  algorithm: "it is signed with an algorithm that is not accepted here",
  unknown_key: "it is signed with a key that the issuer does not publish; get a new one",
  signature: "its signature is wrong; get a new one from the issuer",
  expired: "it has expired; get a new one from the issuer",
  not_yet_valid: "it is not valid yet; compare the clocks of issuer and server",
  issuer: "it is from another issuer",
  audience: "it is meant for another audience; ask the issuer for one for this server",
  claims: "it lacks a claim that is required (iss, aud and exp), or a claim is malformed",
};

/** The 401 of a token that is not believed. Never holds the token or a part of it. */
export function jwtFault(reason: JwtReason): ReactorError {
  const what = reason === "missing" ? "A token (JWT) is required" : "Cannot accept the token";
  return new ReactorError("auth_required", `${what}: ${sentences[reason]}`, {
    details: { reason },
  });
}

/** What an error of the library says about the token; undefined when it is none about it. */
export function jwtReasonOf(error: unknown): JwtReason | undefined {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  if (error instanceof errors.JWKSNoMatchingKey) return "unknown_key";
  // Several keys fit and the token names none: which one is meant cannot be guessed.
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "unknown_key";
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm";
  if (error instanceof errors.JOSENotSupported) return "algorithm";
  if (error instanceof errors.JOSEError) return "malformed";
  // The library's way to say that the key does not go with the algorithm, or is too weak for it.
  return error instanceof TypeError ? "algorithm" : undefined;
}

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): JwtReason {
  if (reason === "missing") return "claims";
  if (claim === "iss") return "issuer";
  if (claim === "aud") return "audience";
  return claim === "nbf" ? "not_yet_valid" : "claims";
}
