import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const BELOW_THE_CORE = {
  regex: "^(?!\\.)|/(?:io|workers|cli|binding-free-src|bench|test)/",
  message: "The core imports nothing but the core.",
};

/** What the compiler and the tidy test cannot say as early, in the editor, at the right place. */
export default defineConfig(
  globalIgnores(["dist/", "coverage/", "demo/", "runs/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: true },
      ],
      // Without a result to return, `return f()` and `() => f()` are the shortest way to say it.
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // It asks for the `!` that another rule forbids.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      // Numbers print the same everywhere; only objects do not.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      // A switch counts as one: its cases are a table.
      complexity: ["error", { max: 12, variant: "modified" }],
      eqeqeq: "error",
      "max-lines": ["error", 500],
      "max-lines-per-function": ["error", 70],
      "no-console": "error",
      "no-param-reassign": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["src/core/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", "Date", "Intl", "console", "performance", "process"],
      "no-restricted-imports": ["error", { patterns: [BELOW_THE_CORE] }],
      "no-restricted-properties": ["error", { object: "Math", property: "random" }],
      "no-restricted-syntax": [
        "error",
        { selector: "[async=true]", message: "The core never waits: return an effect." },
        { selector: "NewExpression[callee.name='Promise']", message: "Return an effect." },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // node:test returns promises that its runner awaits.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["describe", "suite", "it", "test"] },
          ],
        },
      ],
      // The tidy test measures functions here: it knows that a `describe` is not one.
      "max-lines-per-function": "off",
    },
  },
);
