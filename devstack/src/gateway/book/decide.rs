//! The rules: what each call may do to the books. `None` means that it has been done before, under
//! the same key, so that the answer is the payment as it stands.

use jiff::Timestamp;

use super::{Book, Payment, Refusal, State, payment::Done};
use crate::gateway::entry::{Entry, PaymentOrder, Verdict};

type Decision = Result<Option<Entry>, Refusal>;

impl Book {
    /// A new payment, unless its key is known. `reference` is its name if it is new.
    pub(in crate::gateway) fn decide_open(
        &self,
        key: &str,
        order: PaymentOrder,
        bank: Result<(), &str>,
        reference: String,
        at: Timestamp,
    ) -> Decision {
        if let Some(known) = self.payment_of_key(key) {
            return if known.order == order {
                Ok(None)
            } else {
                Err(Refusal::Mismatch)
            };
        }
        let (verdict, reason) = match bank {
            _ if self.cancelled.contains(key) => (Verdict::CancelledBefore, Some("cancelled")),
            Ok(()) => (Verdict::Approved, None),
            Err(reason) => (Verdict::Declined, Some(reason)),
        };
        let (key, reason) = (key.to_owned(), reason.map(str::to_owned));
        Ok(Some(Entry::Opened {
            payment: reference,
            key,
            order,
            verdict,
            reason,
            at,
        }))
    }

    /// Takes what was set aside, or a part of it and releases the rest.
    pub(in crate::gateway) fn decide_capture(
        &self,
        reference: &str,
        key: &str,
        amount: Option<i64>,
        bank_refuses: bool,
        at: Timestamp,
    ) -> Decision {
        let payment = self.payment(reference).ok_or(Refusal::Unknown)?;
        let amount = amount.unwrap_or(payment.order.amount);
        match payment.done.get(key) {
            Some(Done::Capture { amount: before }) if *before == amount => return Ok(None),
            Some(Done::RefusedCapture) => return Err(Refusal::CaptureRefused),
            Some(_) => return Err(Refusal::Mismatch),
            None => payment.must_be(State::Authorized)?,
        }
        if amount > payment.authorized {
            return Err(Refusal::Amount {
                left: payment.authorized,
            });
        }
        let (payment, key) = (reference.to_owned(), key.to_owned());
        Ok(Some(if bank_refuses {
            Entry::CaptureRefused { payment, key, at }
        } else {
            Entry::Captured {
                payment,
                key,
                amount,
                at,
            }
        }))
    }

    /// Releases what was set aside. A payment of which nothing is left is void already.
    pub(in crate::gateway) fn decide_void(
        &self,
        reference: &str,
        key: &str,
        at: Timestamp,
    ) -> Decision {
        let payment = self.payment(reference).ok_or(Refusal::Unknown)?;
        match payment.done.get(key) {
            Some(Done::Void) => return Ok(None),
            Some(_) => return Err(Refusal::Mismatch),
            None if payment.state == State::Voided => return Ok(None),
            None => payment.must_be(State::Authorized)?,
        }
        let (payment, key) = (reference.to_owned(), key.to_owned());
        Ok(Some(Entry::Voided { payment, key, at }))
    }

    /// Gives back what was taken, or a part of it.
    pub(in crate::gateway) fn decide_refund(
        &self,
        reference: &str,
        key: &str,
        amount: Option<i64>,
        at: Timestamp,
    ) -> Decision {
        let payment = self.payment(reference).ok_or(Refusal::Unknown)?;
        match payment.done.get(key) {
            Some(Done::Refund { amount: before }) if amount.is_none_or(|a| a == *before) => {
                return Ok(None);
            }
            Some(_) => return Err(Refusal::Mismatch),
            None => payment.must_be(State::Captured)?,
        }
        let left = payment.refundable();
        let amount = amount.unwrap_or(left);
        if amount > left || left == 0 {
            return Err(Refusal::Amount { left });
        }
        let (payment, key) = (reference.to_owned(), key.to_owned());
        Ok(Some(Entry::Refunded {
            payment,
            key,
            amount,
            at,
        }))
    }

    /// Cancels a key: what exists is undone, what comes later will be void. Only a payment that was
    /// captured on purpose after it had been authorized needs a refund instead.
    pub(in crate::gateway) fn decide_cancel(&self, key: &str, at: Timestamp) -> Decision {
        if self.cancelled.contains(key) {
            return Ok(None);
        }
        if let Some(payment) = self.payment_of_key(key)
            && payment.was_captured_on_purpose()
        {
            return Err(Refusal::State(payment.state));
        }
        Ok(Some(Entry::Cancelled {
            key: key.to_owned(),
            at,
        }))
    }
}

impl Payment {
    fn must_be(&self, state: State) -> Result<(), Refusal> {
        if self.state == state {
            Ok(())
        } else {
            Err(Refusal::State(self.state))
        }
    }

    fn was_captured_on_purpose(&self) -> bool {
        self.done
            .values()
            .any(|done| matches!(done, Done::Capture { .. }))
    }
}
