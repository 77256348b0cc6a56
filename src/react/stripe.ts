/** As much of Stripe.js as the form needs. `loadStripe` of `@stripe/stripe-js` gives it. */
export interface StripeJs {
  /** Makes what the fields are mounted with. */
  elements(options: {
    readonly mode: 'setup'
    readonly currency: string
    readonly paymentMethodCreation: 'manual'
    readonly appearance?: { readonly theme?: 'stripe' | 'night'; readonly variables?: Record<string, string> }
    readonly locale?: string
    // biome-ignore lint/suspicious/noExplicitAny: Stripe's own types are narrower in what they take and wider in what they give
  }): any
  /** Sends what was entered to Stripe. */
  createPaymentMethod(options: {
    // biome-ignore lint/suspicious/noExplicitAny: what `elements` gave
    readonly elements: any
  }): Promise<{ readonly paymentMethod?: { readonly id: string }; readonly error?: { readonly message?: string } }>
}

/** Loads Stripe.js: `loadStripe` of `@stripe/stripe-js`, which the app brings. */
// biome-ignore lint/suspicious/noExplicitAny: any version of Stripe.js is taken; what is used of it is `StripeJs`
export type LoadStripe = (publishableKey: string) => Promise<any>
