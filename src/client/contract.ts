// Written by `npm run openapi` out of docs/openapi.json.

export interface paths {
    readonly "/health": {
        /** Whether the process answers */
        readonly get: operations["get_health"];
    };
    readonly "/ready": {
        /** Whether the store can be reached */
        readonly get: operations["get_ready"];
    };
    readonly "/config": {
        /** The publishable key for forms of the payment provider */
        readonly get: operations["get_config"];
    };
    readonly "/account": {
        /** The account; made when it is asked for the first time */
        readonly get: operations["get_own_account"];
    };
    readonly "/subscription": {
        /** The subscription that is going on, or the plan that the account has without one */
        readonly get: operations["get_subscription"];
    };
    readonly "/subscription/cancel": {
        /** Ends the subscription with its period, or now */
        readonly post: operations["post_subscription_cancel"];
    };
    readonly "/subscription/reactivate": {
        /** Takes back that the subscription ends with its period */
        readonly post: operations["post_subscription_reactivate"];
    };
    readonly "/subscription/preview": {
        /** What another plan or number of seats would charge now; nothing is changed */
        readonly post: operations["post_subscription_preview"];
    };
    readonly "/subscription/change": {
        /** Puts the subscription on another plan or number of seats */
        readonly post: operations["post_subscription_change"];
    };
    readonly "/checkout": {
        /** A page on which something is paid for, or a payment method is given */
        readonly post: operations["post_checkout"];
    };
    readonly "/checkout/{checkout_id}": {
        /** How a checkout stands at its provider; what was paid for is given, if it was not yet */
        readonly get: operations["get_checkout_by_checkout_id"];
    };
    readonly "/plans": {
        /** The plans and meters of the catalog, and the price of a Spark */
        readonly get: operations["get_plans"];
    };
    readonly "/portal": {
        /** The same for the caller’s account: the address, or a redirect to it */
        readonly get: operations["get_portal"];
    };
    readonly "/invoices": {
        /** The invoices of the caller’s account, newest first */
        readonly get: operations["get_invoices"];
    };
    readonly "/invoices/{invoice_id}": {
        /** One invoice */
        readonly get: operations["get_invoices_by_invoice_id"];
    };
    readonly "/invoices/{invoice_id}/pay": {
        /** Tries to collect an invoice; a decline leaves it open */
        readonly post: operations["post_invoices_by_invoice_id_pay"];
    };
    readonly "/invoices/generate": {
        /** Makes an invoice of everything that waits, or answers null */
        readonly post: operations["post_invoices_generate"];
    };
    readonly "/invoices/{invoice_id}/pdf": {
        /** Leads to the PDF of an invoice */
        readonly get: operations["get_invoices_by_invoice_id_pdf"];
    };
    readonly "/invoices/{invoice_id}/download_pdf": {
        /** The PDF of an invoice */
        readonly get: operations["get_invoices_by_invoice_id_download_pdf"];
    };
    readonly "/usage": {
        /** Sums and a series of each meter, and what is left; this month where no days are given */
        readonly get: operations["get_usage"];
    };
    readonly "/credits/usage": {
        /** Recorded usage of the caller’s account, newest first */
        readonly get: operations["get_credits_usage"];
    };
    readonly "/usage/events": {
        /** Records one fact of consumption, or up to 1,000 */
        readonly post: operations["post_usage_events"];
    };
    readonly "/costs/summary": {
        /** What usage cost, by provider and model; this month where no days are given */
        readonly get: operations["get_costs_summary"];
    };
    readonly "/costs/export": {
        /** The same as CSV, in which no cell is a formula to a spreadsheet */
        readonly get: operations["get_costs_export"];
    };
    readonly "/costs": {
        /** Recorded usage of the caller’s account that has a cost, newest first */
        readonly get: operations["get_costs"];
    };
    readonly "/explanations/{id}": {
        /** How usage, or another change of the balance, came about */
        readonly get: operations["get_explanations_by_id"];
    };
    readonly "/transactions": {
        /** Every change of the balance, newest first */
        readonly get: operations["get_transactions"];
    };
    readonly "/credits/transactions": {
        /** Every change of the balance, newest first */
        readonly get: operations["get_credits_transactions"];
    };
    readonly "/credits/balance": {
        /** What the caller’s account has to spend, and has spent this month */
        readonly get: operations["get_credits_balance"];
    };
    readonly "/credits/usage/summary": {
        /** Credits used, by operation and model; this month where no days are given */
        readonly get: operations["get_credits_usage_summary"];
    };
    readonly "/credits/usage/limits": {
        /** What the plan and budgets allow, and how much of it is used */
        readonly get: operations["get_credits_usage_limits"];
    };
    readonly "/credit-packages": {
        /** The packages on sale, the cheapest first */
        readonly get: operations["get_credit_packages"];
    };
    readonly "/credit-packages/{package_id}/purchase": {
        /** Buys a package: on a page, or at once with a stored payment method */
        readonly post: operations["post_credit_packages_by_package_id_purchase"];
    };
    readonly "/payments": {
        /** The payments of the caller’s account, newest first */
        readonly get: operations["get_payments"];
    };
    readonly "/payments/{payment_id}": {
        /** One payment */
        readonly get: operations["get_payments_by_payment_id"];
    };
    readonly "/payment-methods/available": {
        /** The kinds of payment method on offer */
        readonly get: operations["get_payment_methods_available"];
    };
    readonly "/payment-methods": {
        /** What the caller’s account can pay with */
        readonly get: operations["get_payment_methods"];
        /** Adds a payment method that a form of the provider’s made */
        readonly post: operations["post_payment_methods"];
    };
    readonly "/payment-methods/{payment_method_id}": {
        /** One payment method */
        readonly get: operations["get_payment_methods_by_payment_method_id"];
        /** Changes name, e-mail or expiry */
        readonly put: operations["put_payment_methods_by_payment_method_id"];
        /** Takes a payment method away */
        readonly delete: operations["delete_payment_methods_by_payment_method_id"];
        /** Changes name, e-mail or expiry */
        readonly patch: operations["patch_payment_methods_by_payment_method_id"];
    };
    readonly "/payment-methods/{payment_method_id}/set_default": {
        /** Makes it the one that is charged */
        readonly post: operations["post_payment_methods_by_payment_method_id_set_default"];
    };
    readonly "/api-keys": {
        /** The API keys of the caller’s account, newest first, those that have ended too */
        readonly get: operations["get_api_keys"];
        /** Makes an API key; its secret is in this answer and nowhere else */
        readonly post: operations["post_api_keys"];
    };
    readonly "/api-keys/{key_id}": {
        /** One API key */
        readonly get: operations["get_api_keys_by_key_id"];
        /** Ends an API key at once */
        readonly delete: operations["delete_api_keys_by_key_id"];
    };
    readonly "/api-keys/{key_id}/rotate": {
        /** Gives an API key another secret; those before it go on for a while */
        readonly post: operations["post_api_keys_by_key_id_rotate"];
    };
    readonly "/api-keys/{key_id}/budget": {
        /** Sets what may be charged with an API key in a period */
        readonly put: operations["put_api_keys_by_key_id_budget"];
    };
    readonly "/events": {
        /** Server-sent events: the balance, quotas, invoices, payments and the subscription of the caller’s account, as they change */
        readonly get: operations["get_events"];
    };
}
export interface components {
    schemas: {
        readonly Health: {
            /** @enum {string} */
            readonly status: "ok";
        };
        readonly Problem: {
            readonly type: string;
            readonly title: string;
            readonly status: number;
            readonly detail: string;
            readonly code: string;
            readonly outcome: string;
            readonly retryable: boolean;
            readonly request_id: string;
            readonly errors?: readonly {
                readonly field: string;
                readonly message: string;
            }[];
            readonly remedies?: unknown;
        };
        readonly StripeConfig: {
            readonly publishable_key: string | null;
            readonly is_configured: boolean;
        };
        readonly BillingAccount: {
            readonly id: string;
            readonly organization_id: string;
            readonly stripe_customer_id: string | null;
            readonly has_payment_method: boolean;
            /** @enum {string} */
            readonly status: "pending" | "active" | "suspended";
            /** -1 for no limit. */
            readonly free_workflows_remaining: number;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly free_workflows_reset_at: string | null;
            /** @example 29.99 */
            readonly credit_balance: number;
            readonly auto_billing_enabled: boolean;
            readonly billing_email: string | null;
            readonly tax_exempt: boolean;
            readonly total_workflows_completed: number;
            /** @example 29.99 */
            readonly total_amount_spent: number;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
        };
        readonly PaymentMethod: {
            readonly id: string;
            readonly type: string;
            readonly card_brand: string | null;
            readonly card_last4: string | null;
            readonly is_default: boolean;
            readonly provider: string;
            readonly expiry_month: number | null;
            readonly expiry_year: number | null;
            readonly name: string | null;
            readonly email: string | null;
            readonly country: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
        };
        readonly AttachPaymentMethodRequest: {
            readonly payment_method_id: string;
            readonly set_as_default?: boolean;
        };
        readonly Subscription: {
            readonly id: string;
            readonly organization_id: string;
            readonly billing_account_id: string;
            readonly tier: string;
            /** @enum {string} */
            readonly status: "active" | "trialing" | "past_due" | "canceled" | "paused" | "incomplete";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly current_period_start: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly current_period_end: string | null;
            readonly cancel_at_period_end: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly canceled_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly trial_start: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly trial_end: string | null;
            /** -1, like the other limits, for none. */
            readonly workflows_limit: number;
            readonly workflows_used: number;
            readonly workflows_remaining: number;
            readonly agents_limit: number;
            readonly storage_limit_gb: number;
            readonly storage_used_gb: number;
            readonly is_lifetime: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly lifetime_purchase_date: string | null;
            /** @example 29.99 */
            readonly lifetime_purchase_amount: number | null;
            readonly is_byo: boolean;
            readonly byo_providers_configured: readonly string[] | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly updated_at: string;
        };
        readonly CancelSubscriptionRequest: {
            /** Default true. */
            readonly at_period_end?: boolean;
        };
        readonly ReactivateSubscriptionRequest: Record<string, never>;
        readonly PreviewedSubscriptionChange: {
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly at: string;
            readonly currency: string;
            /** @example 29.99 */
            readonly subtotal: number;
            /** @example 29.99 */
            readonly discount_amount: number;
            /** @example 29.99 */
            readonly tax_amount: number;
            /** @example 29.99 */
            readonly total: number;
            /** @example 29.99 */
            readonly credits_applied: number;
            /** @example 29.99 */
            readonly amount_due: number;
            readonly line_items: readonly components["schemas"]["LineItem"][];
        };
        readonly LineItem: {
            readonly description: string;
            readonly quantity: number | null;
            /** @example 29.99 */
            readonly amount: number;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly period_start: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly period_end: string | null;
            readonly proration: boolean;
            /** The meter whose usage it charges for, in Sparks. */
            readonly meter: string | null;
            /** What one costs, as exact decimal text. */
            readonly unit_price: string | null;
        };
        readonly PreviewSubscriptionChangeRequest: {
            readonly plan?: string;
            readonly seats?: number;
            /**
             * What becomes of the rest of the period that is paid for. Default `invoice_now`.
             * @enum {string}
             */
            readonly proration?: "invoice_now" | "next_invoice" | "none";
        };
        readonly ChangedSubscription: {
            readonly subscription: components["schemas"]["Subscription"];
            readonly payment: components["schemas"]["PaymentOutcome"];
        };
        readonly PaymentOutcome: {
            /** @enum {string} */
            readonly status: "succeeded" | "processing" | "requires_action" | "declined";
            /** Why it was declined. */
            readonly reason: string | null;
            readonly message: string | null;
            /** Where the customer goes on, while something is asked of them. */
            readonly url: string | null;
        } | null;
        readonly ChangeSubscriptionRequest: {
            readonly plan?: string;
            readonly seats?: number;
            /**
             * What becomes of the rest of the period that is paid for. Default `invoice_now`.
             * @enum {string}
             */
            readonly proration?: "invoice_now" | "next_invoice" | "none";
            /**
             * Default `now`.
             * @enum {string}
             */
            readonly when?: "now" | "period_end";
            /** The `at` of a preview, so that the change costs what that said. */
            readonly previewed_at?: string;
        };
        readonly Checkout: {
            readonly checkout_url: string;
            readonly session_id: string;
            readonly checkout_id: string;
        };
        readonly CheckoutRequest: {
            /** @enum {string} */
            readonly kind: "credits";
            /** @example 25 */
            readonly amount?: string;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        } | {
            /** @enum {string} */
            readonly kind: "package";
            readonly package: string;
            readonly quantity?: number;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        } | {
            /** @enum {string} */
            readonly kind: "subscription";
            readonly plan: string;
            readonly seats?: number;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        } | {
            /** @enum {string} */
            readonly kind: "lifetime";
            readonly plan: string;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        } | {
            /** @enum {string} */
            readonly kind: "setup";
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        };
        readonly VerifiedCheckout: {
            readonly checkout_id: string;
            /** @enum {string} */
            readonly kind: "credits" | "package" | "subscription" | "lifetime" | "setup";
            /** @enum {string} */
            readonly status: "open" | "processing" | "paid" | "failed" | "expired";
            /** @example 29.99 */
            readonly amount: number;
            readonly currency: string;
            readonly credits: string;
            readonly plan: string | null;
        };
        readonly CreditPurchaseRequest: {
            readonly amount_usd: number;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        };
        readonly LifetimePurchaseRequest: {
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
            readonly plan?: string;
        };
        readonly PriceList: {
            readonly currency: string;
            /** What one Spark costs. */
            readonly credit_price: string;
            readonly meters: readonly {
                readonly meter: string;
                readonly unit: string;
                readonly aggregation: string;
            }[];
            readonly plans: readonly components["schemas"]["Plan"][];
        };
        readonly Plan: {
            readonly id: string;
            readonly name: string;
            /** Null for a plan that nobody pays for. */
            readonly price: {
                /** @example 29.99 */
                readonly amount: number;
                readonly currency: string;
                /** @enum {string} */
                readonly interval: "month" | "year" | "once";
                readonly per_seat: boolean;
                readonly trial_days: number;
            } | null;
            readonly meters: readonly {
                readonly meter: string;
                /** Units, or `unlimited`. */
                readonly included: string;
                /** Null for none. */
                readonly limit: string | null;
            }[];
            /** Whether what goes beyond is billed afterwards. */
            readonly overage: boolean;
            readonly is_byo: boolean;
            readonly credits_per_period: string;
            readonly features: {
                readonly [key: string]: boolean | string;
            };
            readonly is_default: boolean;
        };
        readonly Portal: {
            readonly portal_url: string;
        };
        readonly PortalRequest: {
            /** Format: uri-reference */
            readonly return_url?: string;
        };
        readonly Invoice: {
            readonly id: string;
            readonly invoice_number: string | null;
            readonly billing_account_id: string;
            readonly ticket_id: string | null;
            readonly stripe_invoice_id: string | null;
            readonly status: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly period_start: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly period_end: string | null;
            /** @example 29.99 */
            readonly subtotal: number;
            /** @example 29.99 */
            readonly tax_amount: number;
            /** @example 29.99 */
            readonly discount_amount: number;
            /** @example 29.99 */
            readonly total: number;
            /** @example 29.99 */
            readonly credits_applied: number;
            /** @example 29.99 */
            readonly amount_due: number;
            /** @example 29.99 */
            readonly amount_paid: number;
            readonly currency: string;
            readonly line_items: readonly components["schemas"]["LineItem"][];
            readonly description: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly due_date: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly finalized_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly paid_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            readonly provider: string;
            readonly actions: readonly string[];
            readonly hosted_invoice_url: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly next_attempt_at: string | null;
        };
        readonly InvoicePage: {
            readonly results: readonly components["schemas"]["Invoice"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly PayInvoiceRequest: {
            readonly payment_method_id?: string | null;
        };
        readonly GenerateInvoiceRequest: {
            readonly description?: string;
            /** @enum {string} */
            readonly of?: "waiting" | "debt";
        };
        readonly UsageDashboard: {
            readonly from: string;
            readonly to: string;
            readonly currency: string;
            readonly events: number;
            readonly sparks: string;
            readonly charged: string;
            readonly cost: string;
            readonly meters: readonly {
                readonly meter: string;
                readonly unit: string;
                readonly quantity: string;
                readonly events: number;
                readonly sparks: string;
                readonly series: readonly {
                    readonly date: string;
                    readonly quantity: string;
                    readonly events: number;
                    readonly sparks: string;
                }[];
                readonly quota: components["schemas"]["Quota"];
            }[];
            readonly upcoming_invoice: {
                /** @example 29.99 */
                readonly total: number;
                /** @example 29.99 */
                readonly amount_due: number;
                readonly currency: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly period_start: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly period_end: string | null;
            } | null;
            /** What the metering provider charges for usage in its current period; null where it says nothing. */
            readonly provider_usage: {
                readonly provider: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly period_start: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly period_end: string;
                readonly currency: string;
                /** @example 29.99 */
                readonly amount: number;
                readonly meters: readonly {
                    readonly meter: string;
                    readonly sparks: string;
                    /** @example 29.99 */
                    readonly amount: number;
                }[];
            } | null;
            /** False when a provider could not be asked. */
            readonly is_complete: boolean;
        };
        readonly Quota: {
            readonly meter: string;
            readonly status: string;
            readonly used: string;
            readonly held: string;
            readonly limit: string | null;
            readonly remaining: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly period_start: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly resets_at: string;
        } | null;
        readonly UsageRecord: {
            readonly id: string;
            readonly billing_account_id: string;
            readonly ticket_id: string | null;
            readonly usage_type: string;
            readonly quantity: number;
            /** @example 29.99 */
            readonly unit_price: number;
            /** @example 29.99 */
            readonly total_price: number;
            readonly free_tier_used: boolean;
            readonly invoice_id: string | null;
            readonly billed: boolean;
            readonly usage_details: {
                readonly [key: string]: unknown;
            } | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly recorded_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly billed_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly occurred_at: string;
            readonly sparks: string;
            readonly settled_by: {
                readonly [key: string]: string;
            };
        };
        readonly UsagePage: {
            readonly results: readonly components["schemas"]["UsageRecord"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly RecordedUsage: {
            readonly id: string;
            readonly status: string;
            readonly sparks: string;
            readonly cost_usd: string | null;
            readonly settled_by: {
                readonly [key: string]: string;
            };
            readonly balance: {
                readonly balance: string;
                readonly held: string;
                readonly available: string;
                readonly debt: string;
            };
            readonly quota: components["schemas"]["Quota"];
            readonly deliveries: {
                readonly [key: string]: string;
            };
        };
        readonly RecordedUsageBatch: {
            readonly results: readonly (components["schemas"]["RecordedUsage"] | {
                /** @enum {string} */
                readonly status: "refused";
                readonly error?: unknown;
            })[];
        };
        readonly RecordUsageRequest: {
            readonly meter?: string;
            /** Decimal text with at most 6 decimals, or a whole number. */
            readonly quantity?: string | number;
            readonly tokens?: {
                readonly [key: string]: number;
            };
            readonly model?: string;
            readonly provider?: string;
            /** @enum {string} */
            readonly service_tier?: "standard" | "batch" | "priority";
            readonly cost_usd?: string;
            /** Or the header Idempotency-Key. */
            readonly idempotency_key?: string;
            /** Format: date-time */
            readonly occurred_at?: string;
            readonly api_key_id?: string;
            readonly user_id?: string;
            readonly dimensions?: {
                readonly [key: string]: string;
            };
            readonly hold_id?: string;
            /** @enum {string} */
            readonly on_insufficient?: "record" | "refuse";
            readonly events?: readonly components["schemas"]["UsageEvent"][];
        };
        readonly UsageEvent: {
            readonly meter?: string;
            /** Decimal text with at most 6 decimals, or a whole number. */
            readonly quantity?: string | number;
            readonly tokens?: {
                readonly [key: string]: number;
            };
            readonly model?: string;
            readonly provider?: string;
            /** @enum {string} */
            readonly service_tier?: "standard" | "batch" | "priority";
            readonly cost_usd?: string;
            /** Or the header Idempotency-Key. */
            readonly idempotency_key?: string;
            /** Format: date-time */
            readonly occurred_at?: string;
            readonly api_key_id?: string;
            readonly user_id?: string;
            readonly dimensions?: {
                readonly [key: string]: string;
            };
            readonly hold_id?: string;
            /** @enum {string} */
            readonly on_insufficient?: "record" | "refuse";
        };
        readonly CostSummary: {
            readonly scope_type: string;
            readonly scope_id: string | null;
            /** @example 29.99 */
            readonly total_cost: number;
            readonly total_tokens: number;
            readonly record_count: number;
            readonly breakdown: readonly {
                readonly provider: string;
                readonly model: string;
                /** @example 29.99 */
                readonly cost: number;
                readonly tokens: number;
                readonly records: number;
            }[];
            readonly currency: string;
            readonly from: string;
            readonly to: string;
            readonly by_provider: readonly {
                readonly provider: string;
                /** @example 29.99 */
                readonly cost: number;
            }[];
            readonly by_day: readonly {
                readonly date: string;
                /** @example 29.99 */
                readonly cost: number;
            }[];
        };
        readonly CostRecord: {
            readonly id: string;
            readonly task_id: string;
            readonly agent_id: string | null;
            readonly sandbox_id: string | null;
            readonly billing_account_id: string | null;
            readonly provider: string;
            readonly model: string;
            readonly prompt_tokens: number;
            readonly completion_tokens: number;
            readonly total_tokens: number;
            /** @example 29.99 */
            readonly prompt_cost: number;
            /** @example 29.99 */
            readonly completion_cost: number;
            /** @example 29.99 */
            readonly total_cost: number;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly recorded_at: string;
        };
        readonly CostPage: {
            readonly results: readonly components["schemas"]["CostRecord"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly UsageExplanation: {
            /**
             * discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "usage";
            readonly id: string;
            readonly transaction_type: string;
            readonly description: string;
            readonly amount: string;
            readonly balance_before: string;
            readonly balance_after: string;
            readonly burns: readonly {
                readonly grant_id: string;
                /** @enum {string|null} */
                readonly kind: "promotional" | "paid" | null;
                readonly reason: string | null;
                readonly sparks: string;
            }[];
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly recorded_at: string;
            /** Whether what is stored is what its own parts come to. */
            readonly agrees: boolean;
            readonly corrects: string | null;
            readonly meter: string | null;
            readonly unit: string | null;
            readonly model: string | null;
            readonly provider: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly occurred_at: string;
            readonly reported_quantity: string;
            readonly quantity: string;
            readonly included: string;
            readonly cost: {
                readonly amount: string;
                readonly currency: string;
                readonly pools: readonly {
                    readonly pool: string;
                    readonly count: number;
                    readonly price: string;
                    readonly per: string;
                    readonly cost: string;
                }[];
            } | null;
            readonly rating: {
                readonly mode: string;
                /** @enum {string} */
                readonly from: "catalog" | "terms";
                readonly by_units: {
                    readonly units: string;
                    readonly rate: string | null;
                    readonly per: string | null;
                    /** @example 139.05 */
                    readonly sparks: string;
                } | null;
                readonly by_cost: {
                    readonly cost: string;
                    readonly margin: string;
                    readonly spark_price: string;
                    /** @example 139.05 */
                    readonly sparks: string;
                } | null;
                readonly discount: {
                    readonly above: string;
                    readonly percent: string;
                    readonly applied: boolean;
                } | null;
                readonly minimum: {
                    readonly sparks: string;
                    readonly applied: boolean;
                } | null;
                readonly period: {
                    /**
                     * Format: date-time
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    readonly starts_at: string;
                    /**
                     * Format: date-time
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    readonly ends_at: string;
                    readonly units_before: string;
                    readonly units_after: string;
                    readonly price_before: string;
                    readonly price_after: string;
                } | null;
                /** @example 139.05 */
                readonly unrounded: string;
                readonly rounding: string;
                readonly sparks: string;
            } | null;
            readonly sparks: string;
            readonly settled_by: {
                readonly [key: string]: string;
            };
            readonly deliveries: readonly {
                readonly provider: string;
                readonly as: string;
                readonly status: string;
            }[];
            readonly corrections: readonly {
                /** @enum {string} */
                readonly kind: "usage";
                readonly id: string;
                readonly transaction_type: string;
                readonly description: string;
                readonly amount: string;
                readonly balance_before: string;
                readonly balance_after: string;
                readonly burns: readonly {
                    readonly grant_id: string;
                    /** @enum {string|null} */
                    readonly kind: "promotional" | "paid" | null;
                    readonly reason: string | null;
                    readonly sparks: string;
                }[];
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly recorded_at: string;
                /** Whether what is stored is what its own parts come to. */
                readonly agrees: boolean;
                readonly corrects: string | null;
                readonly meter: string | null;
                readonly unit: string | null;
                readonly model: string | null;
                readonly provider: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly occurred_at: string;
                readonly reported_quantity: string;
                readonly quantity: string;
                readonly included: string;
                readonly cost: {
                    readonly amount: string;
                    readonly currency: string;
                    readonly pools: readonly {
                        readonly pool: string;
                        readonly count: number;
                        readonly price: string;
                        readonly per: string;
                        readonly cost: string;
                    }[];
                } | null;
                readonly rating: {
                    readonly mode: string;
                    /** @enum {string} */
                    readonly from: "catalog" | "terms";
                    readonly by_units: {
                        readonly units: string;
                        readonly rate: string | null;
                        readonly per: string | null;
                        /** @example 139.05 */
                        readonly sparks: string;
                    } | null;
                    readonly by_cost: {
                        readonly cost: string;
                        readonly margin: string;
                        readonly spark_price: string;
                        /** @example 139.05 */
                        readonly sparks: string;
                    } | null;
                    readonly discount: {
                        readonly above: string;
                        readonly percent: string;
                        readonly applied: boolean;
                    } | null;
                    readonly minimum: {
                        readonly sparks: string;
                        readonly applied: boolean;
                    } | null;
                    readonly period: {
                        /**
                         * Format: date-time
                         * @example 2026-11-21T09:30:00.000Z
                         */
                        readonly starts_at: string;
                        /**
                         * Format: date-time
                         * @example 2026-11-21T09:30:00.000Z
                         */
                        readonly ends_at: string;
                        readonly units_before: string;
                        readonly units_after: string;
                        readonly price_before: string;
                        readonly price_after: string;
                    } | null;
                    /** @example 139.05 */
                    readonly unrounded: string;
                    readonly rounding: string;
                    readonly sparks: string;
                } | null;
                readonly sparks: string;
                readonly settled_by: {
                    readonly [key: string]: string;
                };
                readonly deliveries: readonly {
                    readonly provider: string;
                    readonly as: string;
                    readonly status: string;
                }[];
            }[];
        };
        readonly TransactionExplanation: {
            /**
             * discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "entry";
            readonly id: string;
            readonly transaction_type: string;
            readonly description: string;
            readonly amount: string;
            readonly balance_before: string;
            readonly balance_after: string;
            readonly burns: readonly {
                readonly grant_id: string;
                /** @enum {string|null} */
                readonly kind: "promotional" | "paid" | null;
                readonly reason: string | null;
                readonly sparks: string;
            }[];
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly recorded_at: string;
            /** Whether what is stored is what its own parts come to. */
            readonly agrees: boolean;
            readonly counter_account: string;
            readonly corrects: string | null;
            readonly corrected_by: readonly string[];
            readonly payment: {
                readonly amount: string;
                readonly currency: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly paid_at: string | null;
            } | null;
        };
        readonly GrantExplanation: {
            /**
             * discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly kind: "grant";
            readonly id: string;
            /** @enum {string} */
            readonly grant_kind: "promotional" | "paid";
            /** @enum {string} */
            readonly cause: "checkout" | "plan" | "rollover" | "hand" | "adjustment" | "given_back";
            readonly description: string;
            readonly amount: string;
            readonly remaining: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly granted_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly expires_at: string | null;
            readonly payment: {
                readonly amount: string;
                readonly currency: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly paid_at: string | null;
            } | null;
            readonly burned: {
                readonly transactions: number;
                readonly sparks: string;
            };
            /** What took from it, newest first, at most 100. */
            readonly burned_by: readonly {
                readonly id: string;
                readonly transaction_type: string;
                readonly sparks: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly recorded_at: string;
            }[];
            readonly agrees: boolean;
        };
        readonly CreditTransactionPage: {
            readonly results: readonly components["schemas"]["CreditTransaction"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly CreditTransaction: {
            readonly id: string;
            readonly transaction_type: string;
            /** @example 1250.5 */
            readonly amount: string;
            /** @example 1250.5 */
            readonly balance_after: string;
            readonly counter_account: string;
            readonly meter: string | null;
            readonly description: string;
            readonly corrects: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
        };
        readonly CreditBalance: {
            /** @example 1250.5 */
            readonly credits: string;
            /** @example 1250.5 */
            readonly available_credits: string;
            /** @example 1250.5 */
            readonly held_credits: string;
            /** @example 1250.5 */
            readonly debt: string;
            /** @example 1250.5 */
            readonly plan_credits_per_month: string;
            /** @example 1250.5 */
            readonly credits_used_this_month: string;
            readonly grants: readonly components["schemas"]["CreditGrant"][];
        };
        readonly CreditGrant: {
            readonly id: string;
            /** @enum {string} */
            readonly kind: "promotional" | "paid";
            /** @example 1250.5 */
            readonly amount: string;
            /** @example 1250.5 */
            readonly remaining: string;
            readonly reason: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly granted_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly expires_at: string | null;
        };
        readonly CreditUsageSummary: {
            readonly from: string;
            readonly to: string;
            /** @example 1250.5 */
            readonly total_credits_used: string;
            /** @example 1250.5 */
            readonly total_charged: string;
            /** @example 29.99 */
            readonly total_cost: number;
            readonly total_events: number;
            readonly by_operation: {
                readonly [key: string]: {
                    /** @example 1250.5 */
                    readonly credits: string;
                    /** @example 1250.5 */
                    readonly charged: string;
                    /** @example 29.99 */
                    readonly cost: number;
                    readonly count: number;
                };
            };
            readonly by_model: {
                readonly [key: string]: {
                    /** @example 1250.5 */
                    readonly credits: string;
                    /** @example 1250.5 */
                    readonly charged: string;
                    /** @example 29.99 */
                    readonly cost: number;
                    readonly count: number;
                };
            };
        };
        readonly UsageLimits: {
            readonly plan: string | null;
            readonly limits: readonly {
                readonly meter: string;
                readonly status: string;
                readonly used: string;
                readonly held: string;
                readonly limit: string | null;
                readonly remaining: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly period_start: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                readonly resets_at: string;
                readonly unit: string;
                readonly included: string;
            }[];
            readonly budgets: readonly {
                readonly scope: string;
                readonly key: string | null;
                readonly interval: string;
                /** @example 1250.5 */
                readonly limit: string;
                /** @example 1250.5 */
                readonly used: string;
                /** @example 1250.5 */
                readonly remaining: string;
            }[];
        };
        readonly CreditPackage: {
            readonly id: string;
            readonly name: string;
            /** @example 29.99 */
            readonly price: number;
            readonly currency: string;
            /** @example 1250.5 */
            readonly credits: string;
        };
        readonly Purchase: {
            readonly checkout_id: string;
            readonly provider: string;
            readonly status: string;
            readonly payment: components["schemas"]["PaymentOutcome"];
            readonly next_action: {
                /** @enum {string} */
                readonly type: "redirect";
                readonly url: string;
                /** Format: date-time */
                readonly expires_at: string | null;
            } | {
                /** @enum {string} */
                readonly type: "manual";
                readonly invoice_id: string;
                readonly instructions: string;
                readonly url: string;
            } | null;
        };
        readonly PurchaseCreditPackageRequest: {
            readonly quantity?: number;
            /** Charged at once, with no page. */
            readonly payment_method_id?: string;
            /** Format: uri-reference */
            readonly success_url?: string;
            /** Format: uri-reference */
            readonly cancel_url?: string;
        };
        readonly PaymentPage: {
            readonly results: readonly components["schemas"]["Payment"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly Payment: {
            readonly id: string;
            readonly invoice_id: string | null;
            readonly checkout_id: string | null;
            readonly status: string;
            /** @example 29.99 */
            readonly amount: number;
            /** @example 29.99 */
            readonly refunded_amount: number;
            readonly currency: string;
            readonly provider: string;
            readonly description: string | null;
            readonly failure_reason: string | null;
            readonly failure_message: string | null;
            readonly receipt_url: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
        };
        readonly SubmitManualPaymentRequest: {
            readonly invoice_id: string;
            readonly payment_method: string;
            readonly transaction_reference: string;
        };
        readonly OfferedPaymentMethod: {
            readonly type: string;
            readonly provider: string;
            readonly uses: readonly string[];
            /** Null for everywhere. */
            readonly countries: readonly string[] | null;
        };
        readonly UpdatePaymentMethodRequest: {
            readonly name?: string;
            readonly email?: string;
            readonly expiry_month?: number;
            readonly expiry_year?: number;
        };
        readonly SetDefaultPaymentMethodRequest: Record<string, never>;
        readonly ApiKeyPage: {
            readonly results: readonly components["schemas"]["ApiKey"][];
            readonly next: string | null;
            readonly previous: null;
        };
        readonly ApiKey: {
            readonly id: string;
            readonly name: string;
            readonly scopes: readonly string[];
            /** @enum {string} */
            readonly status: "active" | "expired" | "revoked";
            /** @example sk-…9f3a */
            readonly hint: string;
            readonly open_secrets: number;
            readonly budget: {
                readonly interval: string;
                /** @example 1250.5 */
                readonly limit: string;
                /** @example 1250.5 */
                readonly used: string;
                /** @example 1250.5 */
                readonly remaining: string;
            } | null;
            readonly top_ups_raise_budget: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly expires_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly revoked_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly last_used_at: string | null;
        };
        readonly IssuedApiKey: {
            readonly id: string;
            readonly name: string;
            readonly scopes: readonly string[];
            /** @enum {string} */
            readonly status: "active" | "expired" | "revoked";
            /** @example sk-…9f3a */
            readonly hint: string;
            readonly open_secrets: number;
            readonly budget: {
                readonly interval: string;
                /** @example 1250.5 */
                readonly limit: string;
                /** @example 1250.5 */
                readonly used: string;
                /** @example 1250.5 */
                readonly remaining: string;
            } | null;
            readonly top_ups_raise_budget: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly expires_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly revoked_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            readonly last_used_at: string | null;
            /** @enum {string} */
            readonly result: "issued" | "duplicate";
            readonly secret: string | null;
        };
        readonly IssueApiKeyRequest: {
            readonly name: string;
            readonly scopes?: readonly string[];
            readonly expires_at?: string;
            readonly budget?: {
                /**
                 * Sparks as decimal text.
                 * @example 12500
                 */
                readonly limit: string;
                /** @enum {string} */
                readonly interval?: "day" | "week" | "month" | "year" | "never";
                readonly top_ups_raise_budget?: boolean;
            };
        };
        readonly RotateApiKeyRequest: {
            readonly overlap_seconds?: number;
        };
        readonly ApiKeyBudgetRequest: {
            /**
             * Null takes the budget away.
             * @example 12500
             */
            readonly limit: string | null;
            /** @enum {string} */
            readonly interval?: "day" | "week" | "month" | "year" | "never";
            readonly top_ups_raise_budget?: boolean;
        };
        readonly WebhookReceived: {
            readonly received: boolean;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export interface operations {
    readonly get_health: {
        readonly responses: {
            /** It does. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    readonly get_ready: {
        readonly responses: {
            /** It can. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    readonly get_config: {
        readonly responses: {
            /** The key, or null where none is set. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["StripeConfig"];
                };
            };
        };
    };
    readonly get_own_account: {
        readonly responses: {
            /** The account. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["BillingAccount"];
                };
            };
        };
    };
    readonly get_subscription: {
        readonly responses: {
            /** The subscription. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Subscription"];
                };
            };
        };
    };
    readonly post_subscription_cancel: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["CancelSubscriptionRequest"];
            };
        };
        readonly responses: {
            /** The subscription afterwards. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Subscription"];
                };
            };
        };
    };
    readonly post_subscription_reactivate: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ReactivateSubscriptionRequest"];
            };
        };
        readonly responses: {
            /** The subscription afterwards. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Subscription"];
                };
            };
        };
    };
    readonly post_subscription_preview: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PreviewSubscriptionChangeRequest"];
            };
        };
        readonly responses: {
            /** What it would charge. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PreviewedSubscriptionChange"];
                };
            };
        };
    };
    readonly post_subscription_change: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ChangeSubscriptionRequest"];
            };
        };
        readonly responses: {
            /** The subscription afterwards, and its payment. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["ChangedSubscription"];
                };
            };
        };
    };
    readonly post_checkout: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["CheckoutRequest"];
            };
        };
        readonly responses: {
            /** The page. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Checkout"];
                };
            };
        };
    };
    readonly get_checkout_by_checkout_id: {
        readonly parameters: {
            readonly path: {
                /** Our id, or the provider’s of its session. */
                readonly checkout_id: string;
            };
        };
        readonly responses: {
            /** How it stands. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["VerifiedCheckout"];
                };
            };
        };
    };
    readonly get_plans: {
        readonly responses: {
            /** What is for sale. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PriceList"];
                };
            };
        };
    };
    readonly get_portal: {
        readonly parameters: {
            readonly query?: {
                readonly return_url?: string;
                /** Whether to answer 302 to the page. */
                readonly redirect?: "true" | "false";
            };
        };
        readonly responses: {
            /** The page. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Portal"];
                };
            };
        };
    };
    readonly get_invoices: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
                readonly status?: string;
            };
        };
        readonly responses: {
            /** A page of invoices. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["InvoicePage"];
                };
            };
        };
    };
    readonly get_invoices_by_invoice_id: {
        readonly parameters: {
            readonly path: {
                readonly invoice_id: string;
            };
        };
        readonly responses: {
            /** The invoice. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Invoice"];
                };
            };
        };
    };
    readonly post_invoices_by_invoice_id_pay: {
        readonly parameters: {
            readonly path: {
                readonly invoice_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PayInvoiceRequest"];
            };
        };
        readonly responses: {
            /** The invoice afterwards. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Invoice"];
                };
            };
        };
    };
    readonly post_invoices_generate: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["GenerateInvoiceRequest"];
            };
        };
        readonly responses: {
            /** The invoice, or null where nothing waits. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Invoice"] | null;
                };
            };
        };
    };
    readonly get_invoices_by_invoice_id_pdf: {
        readonly parameters: {
            readonly path: {
                readonly invoice_id: string;
            };
        };
        readonly responses: {
            /** The PDF, where it is drawn here. */
            readonly 200: {
                content: {
                    readonly "application/pdf": string;
                };
            };
        };
    };
    readonly get_invoices_by_invoice_id_download_pdf: {
        readonly parameters: {
            readonly path: {
                readonly invoice_id: string;
            };
        };
        readonly responses: {
            /** The PDF. */
            readonly 200: {
                content: {
                    readonly "application/pdf": string;
                };
            };
        };
    };
    readonly get_usage: {
        readonly parameters: {
            readonly query?: {
                readonly from?: string;
                readonly to?: string;
            };
        };
        readonly responses: {
            /** The figures. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["UsageDashboard"];
                };
            };
        };
    };
    readonly get_credits_usage: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
                readonly from?: string;
                readonly to?: string;
                readonly billed?: boolean;
                readonly meter?: string;
                readonly model?: string;
                /** Only what this paid a part of, as `settled_by` of a record names it. */
                readonly settled_by?: string;
            };
        };
        readonly responses: {
            /** A page of usage. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["UsagePage"];
                };
            };
        };
    };
    readonly post_usage_events: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RecordUsageRequest"];
            };
        };
        readonly responses: {
            /** What became of it. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["RecordedUsage"] | components["schemas"]["RecordedUsageBatch"];
                };
            };
        };
    };
    readonly get_costs_summary: {
        readonly parameters: {
            readonly query?: {
                readonly from?: string;
                readonly to?: string;
            };
        };
        readonly responses: {
            /** The sums. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CostSummary"];
                };
            };
        };
    };
    readonly get_costs_export: {
        readonly parameters: {
            readonly query?: {
                readonly from?: string;
                readonly to?: string;
            };
        };
        readonly responses: {
            /** The table. */
            readonly 200: {
                content: {
                    readonly "text/csv": string;
                };
            };
        };
    };
    readonly get_costs: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
                readonly from?: string;
                readonly to?: string;
            };
        };
        readonly responses: {
            /** A page of costs. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CostPage"];
                };
            };
        };
    };
    readonly get_explanations_by_id: {
        readonly parameters: {
            readonly path: {
                readonly id: string;
            };
        };
        readonly responses: {
            /** Counts, prices, margin, rounding, and who paid. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["UsageExplanation"] | components["schemas"]["TransactionExplanation"] | components["schemas"]["GrantExplanation"];
                };
            };
        };
    };
    readonly get_transactions: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
            };
        };
        readonly responses: {
            /** A page of changes. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CreditTransactionPage"];
                };
            };
        };
    };
    readonly get_credits_transactions: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
            };
        };
        readonly responses: {
            /** A page of changes. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CreditTransactionPage"];
                };
            };
        };
    };
    readonly get_credits_balance: {
        readonly responses: {
            /** The balance, in Sparks. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CreditBalance"];
                };
            };
        };
    };
    readonly get_credits_usage_summary: {
        readonly parameters: {
            readonly query?: {
                readonly from?: string;
                readonly to?: string;
            };
        };
        readonly responses: {
            /** The sums. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["CreditUsageSummary"];
                };
            };
        };
    };
    readonly get_credits_usage_limits: {
        readonly responses: {
            /** The limits. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["UsageLimits"];
                };
            };
        };
    };
    readonly get_credit_packages: {
        readonly responses: {
            /** The packages. */
            readonly 200: {
                content: {
                    readonly "application/json": readonly components["schemas"]["CreditPackage"][];
                };
            };
        };
    };
    readonly post_credit_packages_by_package_id_purchase: {
        readonly parameters: {
            readonly path: {
                readonly package_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PurchaseCreditPackageRequest"];
            };
        };
        readonly responses: {
            /** How the purchase stands, and what is to be done next. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Purchase"];
                };
            };
        };
    };
    readonly get_payments: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
                readonly status?: string;
            };
        };
        readonly responses: {
            /** A page of payments. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentPage"];
                };
            };
        };
    };
    readonly get_payments_by_payment_id: {
        readonly parameters: {
            readonly path: {
                readonly payment_id: string;
            };
        };
        readonly responses: {
            /** The payment. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["Payment"];
                };
            };
        };
    };
    readonly get_payment_methods_available: {
        readonly parameters: {
            readonly query?: {
                readonly country?: string;
                readonly use?: "payment" | "subscription" | "off_session";
            };
        };
        readonly responses: {
            /** What is on offer. */
            readonly 200: {
                content: {
                    readonly "application/json": readonly components["schemas"]["OfferedPaymentMethod"][];
                };
            };
        };
    };
    readonly get_payment_methods: {
        readonly responses: {
            /** The payment methods. */
            readonly 200: {
                content: {
                    readonly "application/json": readonly components["schemas"]["PaymentMethod"][];
                };
            };
        };
    };
    readonly post_payment_methods: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["AttachPaymentMethodRequest"];
            };
        };
        readonly responses: {
            /** The payment method. */
            readonly 201: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentMethod"];
                };
            };
        };
    };
    readonly get_payment_methods_by_payment_method_id: {
        readonly parameters: {
            readonly path: {
                readonly payment_method_id: string;
            };
        };
        readonly responses: {
            /** The payment method. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentMethod"];
                };
            };
        };
    };
    readonly put_payment_methods_by_payment_method_id: {
        readonly parameters: {
            readonly path: {
                readonly payment_method_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["UpdatePaymentMethodRequest"];
            };
        };
        readonly responses: {
            /** The payment method. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentMethod"];
                };
            };
        };
    };
    readonly delete_payment_methods_by_payment_method_id: {
        readonly parameters: {
            readonly path: {
                readonly payment_method_id: string;
            };
        };
        readonly responses: {
            /** It is gone. */
            readonly 204: {
                content?: never;
            };
        };
    };
    readonly patch_payment_methods_by_payment_method_id: {
        readonly parameters: {
            readonly path: {
                readonly payment_method_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["UpdatePaymentMethodRequest"];
            };
        };
        readonly responses: {
            /** The payment method. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentMethod"];
                };
            };
        };
    };
    readonly post_payment_methods_by_payment_method_id_set_default: {
        readonly parameters: {
            readonly path: {
                readonly payment_method_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SetDefaultPaymentMethodRequest"];
            };
        };
        readonly responses: {
            /** The payment method. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["PaymentMethod"];
                };
            };
        };
    };
    readonly get_api_keys: {
        readonly parameters: {
            readonly query?: {
                /** At most 100; 20 by default. */
                readonly limit?: number;
                /** What the answer before said comes next. */
                readonly cursor?: string;
            };
        };
        readonly responses: {
            /** A page of keys. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["ApiKeyPage"];
                };
            };
        };
    };
    readonly post_api_keys: {
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["IssueApiKeyRequest"];
            };
        };
        readonly responses: {
            /** The key with its secret. */
            readonly 201: {
                content: {
                    readonly "application/json": components["schemas"]["IssuedApiKey"];
                };
            };
        };
    };
    readonly get_api_keys_by_key_id: {
        readonly parameters: {
            readonly path: {
                readonly key_id: string;
            };
        };
        readonly responses: {
            /** The key. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    readonly delete_api_keys_by_key_id: {
        readonly parameters: {
            readonly path: {
                readonly key_id: string;
            };
        };
        readonly responses: {
            /** The key, revoked. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    readonly post_api_keys_by_key_id_rotate: {
        readonly parameters: {
            readonly path: {
                readonly key_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RotateApiKeyRequest"];
            };
        };
        readonly responses: {
            /** The key with its new secret. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["IssuedApiKey"];
                };
            };
        };
    };
    readonly put_api_keys_by_key_id_budget: {
        readonly parameters: {
            readonly path: {
                readonly key_id: string;
            };
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApiKeyBudgetRequest"];
            };
        };
        readonly responses: {
            /** The key. */
            readonly 200: {
                content: {
                    readonly "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    readonly get_events: {
        readonly responses: {
            /** The changes. */
            readonly 200: {
                content: {
                    readonly "text/event-stream": string;
                };
            };
        };
    };
}
